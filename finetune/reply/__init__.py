"""Ranking replies and passages."""
