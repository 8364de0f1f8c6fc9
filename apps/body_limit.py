"""How large the body of a request may be: by what it says of itself, and by what then comes."""

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive


def told_length(headers: Headers) -> int:
    """The bytes that a body says it has; 0 where it says none that can be."""
    given = headers.get("content-length", "")
    return int(given) if re.fullmatch(r"[0-9]{1,18}", given) else 0


def bounded(receive: Receive, limit: int, refusal: str) -> Receive:
    """The request, up to `limit` bytes: one may be sent in pieces without telling its length.

    Raises:
        HTTPException: 413 with `refusal`, out of what it returns, once more than that have come.
    """
    left = limit

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body") or b"")
        if left < 0:
            raise HTTPException(413, refusal)
        return message

    return receive_some
