"""What is said, and what is logged, when an app fails while the page waits for it."""

import logging
import traceback

SORRY = "Sorry, something went wrong on our side, so I could not answer that. Please try once more."
logger = logging.getLogger(__name__)


def note(app: str, error: Exception) -> None:
    """Log what failed and where; not the error's words, which may quote a customer's."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
    logger.error("%s failed: %s at %s", app, type(error).__name__, where)
