"""Which choices were made on the rows that a figure is of."""

import re
from collections.abc import Mapping
from typing import Any


def fitted_note(config: Mapping[str, Any], split: str) -> str:
    """A sentence where the split's rows were fitted on too; empty where they were not.

    Args:
        config: A run's resolved config.
        split: `validation` or `test`; nothing is ever fitted on test rows.
    """
    train = config["train"]
    steps = (train["task"], train["method"]) != ("intent", "head")
    made = []
    if re.search(r"(?<!cross-)\bvalidation", str(config.get("fitted_on", ""))):
        made.append("calibration and thresholds were fitted")
    if steps and (train.get("optim") or {}).get("patience", 0):
        made.append("the pass that is kept was chosen")
    if split != "validation" or not made:
        return ""
    return (
        f"On these validation rows {' and '.join(made)}: the figures after tuning may be a "
        "little too good, and rows that were held back (a test file, or --eval) tell what new ones "
        "will get."
    )
