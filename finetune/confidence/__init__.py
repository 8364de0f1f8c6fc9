"""How far a prediction may be trusted: calibration, out-of-scope scores, hand-over thresholds."""
