"""Relations between two entities of a text."""
