"""STAR's bank tasks as a customer service bot, replayed on held-out dialogues."""
