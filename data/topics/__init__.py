"""Unlabelled customer turns → topics: found, named, matched to what is known, written, applied."""
