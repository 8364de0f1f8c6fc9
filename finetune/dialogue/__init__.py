"""The agent's next turn, written by a model."""
