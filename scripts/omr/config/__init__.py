"""What the Snakefile asks of the config: runs, recipes, products, and whether it is right."""
