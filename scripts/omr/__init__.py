"""The shared package of the workflow's scripts: one folder per purpose, each importing only from those below it."""
