"""Templates that put the models to work, and the doors to them: command line, page, store."""
