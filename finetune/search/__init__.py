"""Search for the settings of a training: what may vary, trials, and the best of them in full."""

from finetune.search.space import Space, load_space
from finetune.search.tune import Tuned, tune

__all__ = ["Space", "Tuned", "load_space", "tune"]
