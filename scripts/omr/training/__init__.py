"""Training rows and the dataset folder that holds them."""
