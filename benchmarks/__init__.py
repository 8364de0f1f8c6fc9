"""Every published number: a table of cases, one JSON file a run."""
