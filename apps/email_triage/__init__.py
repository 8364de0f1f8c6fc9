"""Email triage: what a mail wants, how urgent it is, which team it is for, what to answer."""
