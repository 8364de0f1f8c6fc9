"""Entities in texts."""
