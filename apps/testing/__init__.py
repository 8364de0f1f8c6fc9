"""Written conversations with expectations: what `deskhand test` reads, runs, counts and reports."""
