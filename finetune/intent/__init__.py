"""Text classification with one label a text."""
