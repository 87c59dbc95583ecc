"""The shared package of the workflow's scripts: one module per purpose."""
