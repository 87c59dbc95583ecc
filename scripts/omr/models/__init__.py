"""What is served and what it needs: a model as config describes it, its size, its files."""
