"""What every request of the API passes: the key, the size of its body, and what went wrong."""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.api.problems import problem
from apps.body_limit import bounded, told_length
from apps.local import is_local
from apps.web.failure import note

MAX_BODY_BYTES = 2 << 20  # the longest conversation that the page takes, each character escaped
_PASSED_ON = ("forwarded", "via", "x-real-ip")  # what proxies add, and all that begins so:
_PASSED_ON_AS = ("x-forwarded-", "cf-")
_TOO_LARGE = f"the body is too large; at most {MAX_BODY_BYTES:,} bytes"
_WRONG_KEY = "the key is missing or wrong; send the header Authorization: Bearer KEY"
_NOT_LOCAL = (
    "without a key the API answers programs of its own machine alone; start deskhand serve with "
    "--api-key-file and send the key"
)
_FAILED = "deskhand could not do that; send it again with the same id, its log has the place"


class Gate:
    """ASGI middleware: refuses who may not ask, and turns what fails into a line of JSON.

    Args:
        app: What to wrap.
        key: What callers must show; None: who asks must be on this machine.
    """

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            await problem(401, refusal)(scope, receive, send)
            return
        if told_length(headers) > MAX_BODY_BYTES:
            await problem(413, _TOO_LARGE)(scope, receive, send)
            return
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, bounded(receive, MAX_BODY_BYTES, _TOO_LARGE), send_noting)
        except Exception as error:  # its words may quote a customer's, so no server may log them
            note("api", error)
            if not begun:
                await problem(500, _FAILED)(scope, receive, send)

    def _refusal(self, headers: Headers) -> str | None:
        """Why a request is refused, or None where it is not."""
        if self._key is None:
            # A page of another site may have its name lead here, and a proxy passes others on.
            passed_on = any(
                name in _PASSED_ON or name.startswith(_PASSED_ON_AS) for name in headers
            )
            return None if is_local(_host(headers)) and not passed_on else _NOT_LOCAL
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(shown.strip().encode(), self._key.encode())
        return None if same and scheme.lower() == "bearer" else _WRONG_KEY


def _host(headers: Headers) -> str:
    """The name that the server was called by, without its port; empty where that is none."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
