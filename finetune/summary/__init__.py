"""Text to text: summaries, translations."""
