"""Checks of labels and of models: rows that look mislabelled, weak groups, irrelevant changes."""
