"""How long conversations are kept: old ones are deleted when serving starts, and once a day."""

import logging
import time
from threading import Thread

from apps.store import Store
from apps.store_faults import STORE_UNAVAILABLE
from apps.store_forget import forget_older, wipe
from data.errors import DeskhandError

logger = logging.getLogger(__name__)
_DAY_S = 24 * 3600


def keep_days(store: Store, days: int | None) -> None:
    """Delete what is older now, and daily as long as this process lives; None keeps everything."""
    if days is None:
        return
    unwiped = delete_older(store, days)
    Thread(target=_daily, args=(store, days, unwiped), daemon=True).start()


def delete_older(store: Store, days: int, unwiped: bool = False) -> bool:
    """Delete the conversations whose last turn is older, and tell how many they were.

    A store that cannot be changed now is told of; the next time is soon enough.

    Args:
        store: Where they are.
        days: How long they are kept.
        unwiped: What the last time returned.

    Returns:
        Whether the text of deleted ones may still stand in the store's files.
    """
    try:
        gone = forget_older(store, days)
        if gone.conversations:
            unwiped = True
            logger.info(
                "store_days %d: %d conversations with %d turns were deleted",
                days,
                gone.conversations,
                gone.turns,
            )
        if unwiped:
            wipe(store)
    except DeskhandError as error:
        logger.warning("store_days %d: %s", days, error)
        return True
    except STORE_UNAVAILABLE:
        logger.warning("store_days %d: not done, the store is locked or cannot be reached", days)
        return unwiped
    return False


def _daily(store: Store, days: int, unwiped: bool) -> None:
    while True:
        time.sleep(_DAY_S)
        unwiped = delete_older(store, days, unwiped)
