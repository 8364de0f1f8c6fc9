"""The same situation, the same answer, for some minutes; off unless the config says so."""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict

from data.schema import Answer, Situation


class Remembered:
    """Answers by a keyed hash of what they were written from, the least recently used dropped.

    A timer drops what is too old, so that no text is held beyond its life.

    Args:
        keep_s: Life of an answer, in seconds.
        most: How many are held.
    """

    def __init__(self, keep_s: float, most: int) -> None:
        self._keep_s, self._most = keep_s, most
        self._secret = secrets.token_bytes(32)
        self._held: OrderedDict[str, tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._held)

    def key(self, writer: str, situation: Situation) -> str:
        """What tells this situation from others, and tells nobody else anything."""
        told = json.dumps(
            [
                writer,
                [[turn.speaker, turn.text] for turn in situation.turns],
                [[each.id, each.title, each.text] for each in situation.passages],
                sorted(situation.facts.items()),
                situation.step,
            ]
        )
        return hmac.new(self._secret, told.encode(), hashlib.sha256).hexdigest()

    def get(self, key: str) -> Answer | None:
        """The answer, while it is fresh."""
        with self._lock:
            self._drop_old()
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][1]

    def put(self, key: str, answer: Answer) -> None:
        """Hold an answer."""
        with self._lock:
            self._held[key] = (time.monotonic() + self._keep_s, answer)
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
            self._drop_old()

    def _drop_old(self) -> None:
        now = time.monotonic()
        for key in [key for key, (until, _) in self._held.items() if until <= now]:
            del self._held[key]
        if self._held and (self._timer is None or not self._timer.is_alive()):
            first = min(until for until, _ in self._held.values())
            self._timer = threading.Timer(max(first - now, 0.01), self._swept)
            self._timer.daemon = True
            self._timer.start()

    def _swept(self) -> None:
        with self._lock:
            self._timer = None
            self._drop_old()
