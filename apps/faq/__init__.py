"""The FAQ template."""
