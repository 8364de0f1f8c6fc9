"""Who is at the page: a random id in a cookie that no script can read."""

import re
import secrets
from collections.abc import Sequence

import gradio as gr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "deskhand"
MAX_AGE_S = 180 * 24 * 3600
_BYTES = 24  # of randomness; 32 characters, and the store's column holds 64
_VALID = re.compile(r"[A-Za-z0-9_-]{32}")
# Nothing on the page comes from elsewhere. Gradio needs inline scripts and compiles HTML templates.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


class VisitorCookie:
    """ASGI middleware: every request comes with a visitor's id, a new visitor is given one.

    It touches only headers, so that answers stream through it.

    Args:
        app: What to wrap.
        without: Paths, with all below them, that need no visitor.
    """

    def __init__(self, app: ASGIApp, without: Sequence[str] = ()) -> None:
        self._app, self._without = app, tuple(without)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = list(_HEADERS)
        exempt = any(
            scope["path"] == path or scope["path"].startswith(f"{path}/") for path in self._without
        )
        if not exempt and visitor(_cookies(scope)) is None:
            identity = secrets.token_urlsafe(_BYTES)
            scope = _with_cookie(scope, identity)  # this request is the new visitor's already
            extra.append((b"set-cookie", _set_cookie(identity, scope.get("scheme") == "https")))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def visitor(cookies: str) -> str | None:
    """The visitor's id in a Cookie header, or None where there is none that we gave."""
    pairs = (part.strip().partition("=") for part in cookies.split(";"))
    found = [
        value for name, _, value in pairs if name == COOKIE
    ]  # the last one counts, as in starlette
    return found[-1] if found and _VALID.fullmatch(found[-1]) else None


def owner_of(request: gr.Request) -> str:
    """The visitor who sent a page's request.

    Raises:
        PermissionError: If it did not come through VisitorCookie.
    """
    identity = request.cookies.get(COOKIE)
    if not isinstance(identity, str) or not _VALID.fullmatch(identity):
        raise PermissionError("no visitor's cookie; is the page served without VisitorCookie?")
    return identity


def _cookies(scope: Scope) -> str:
    return "; ".join(
        value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"
    )


def _with_cookie(scope: Scope, identity: str) -> Scope:
    others = [part.strip() for part in _cookies(scope).split(";") if part.strip()]
    kept = [part for part in others if part.partition("=")[0].strip() != COOKIE]
    header = "; ".join([*kept, f"{COOKIE}={identity}"]).encode("latin-1")
    headers = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
    return {**scope, "headers": [*headers, (b"cookie", header)]}


def _set_cookie(identity: str, secure: bool) -> bytes:
    parts = [f"{COOKIE}={identity}", "Path=/", f"Max-Age={MAX_AGE_S}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts).encode()
