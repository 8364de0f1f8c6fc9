"""The command line's verbs, and what each does."""
