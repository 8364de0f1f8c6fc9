"""STAR's bank tasks as a customer service bot, replayed on held-out dialogues."""

from benchmarks.star_bank.case import run as run
