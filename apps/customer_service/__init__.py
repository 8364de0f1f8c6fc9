"""The customer service bot."""
