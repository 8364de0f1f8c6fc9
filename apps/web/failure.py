"""What is said, and what is logged, when an app fails while the page waits for it."""

import logging
import re
import traceback
from pathlib import Path

SORRY = "Sorry, something went wrong on our side, so I could not answer that. Please try once more."
_OURS = re.compile(rf"{re.escape(str(Path(__file__).parents[2]))}/(apps|finetune|retrieval|data)/")
logger = logging.getLogger(__name__)


def note(app: str, error: Exception) -> None:
    """Log what failed and where in our code; not the error's words, which may quote a customer's.

    Of a database's error the code's name is told too, such as SQLITE_FULL: it quotes nothing.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _OURS.match(frame.filename)] or frames
    where = f"{ours[-1].filename}:{ours[-1].lineno}" if ours else "unknown place"
    code = getattr(getattr(error, "orig", None), "sqlite_errorname", None)
    kind = f"{type(error).__name__} ({code})" if code else type(error).__name__
    logger.error("%s failed: %s at %s", app, kind, where)
