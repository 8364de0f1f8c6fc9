"""The fine-tuning core: from labelled rows or conversations to a run directory that serves."""
