"""Reviewing: what colleagues correct and label, and what nobody could answer."""
