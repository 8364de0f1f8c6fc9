"""Private values out of texts: found, replaced by placeholders or by stand-ins."""
