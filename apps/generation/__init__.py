"""Answers that a model writes, from passages and facts, behind a guard."""
