"""Continued pre-training on a company's unlabelled logs."""
