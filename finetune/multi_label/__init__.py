"""Text classification with several labels a text."""
