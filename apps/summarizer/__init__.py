"""The summarizer template."""
