"""The HTTP API at /api: messages, summaries, triage and predictions for other programs."""
