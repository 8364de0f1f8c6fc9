"""How sure the numbers are, the curves behind them, and their drawings."""
