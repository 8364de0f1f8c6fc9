"""What the server lets in: its own names, its own pages, and requests of a bounded size.

A page of another site can lead a browser here, and a name of its own to this machine (DNS
rebinding). Neither may read or send anything.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.body_limit import bounded, told_length

MAX_BODY_BYTES = 4 << 20  # the largest that a tab sends is a pasted conversation
MAX_FILE_BYTES = 64 << 20  # of an upload: the summarizer takes a file of conversations
_FRAME_BYTES = 1 << 20  # what a browser sends around a file
_UPLOAD = "/gradio_api/upload"
_TAKES_FILES = (_UPLOAD, "/gradio_api/process_recording")
_PORTS = {"http": 80, "https": 443}
_OTHER_HOST = (
    "This page is not served under that name; deskhand serve --allow-host NAME admits one.\n"
)
_OTHER_SITE = "Requests of other sites are not answered.\n"
_NO_FILES = "No app on this page takes files.\n"
_TOO_LARGE = "That is too large.\n"


class Admission:
    """ASGI middleware that refuses what is not for this page.

    That is requests to others' names (400), of other sites (403), too large ones (413), and uploads
    where no app takes files (404).

    Args:
        app: What to wrap.
        hosts: Names that the server is reached by, beside `localhost` and IP addresses. An address
            needs no leave: whoever rebinds a name has a name.
        files: Whether an app takes files.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = (), files: bool = False) -> None:
        self._app, self._files = app, files
        self._hosts = {"localhost", *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            held = bounded(receive, self._limit(scope), _TOO_LARGE.strip())
            await self._app(scope, held, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _told(scope["path"], *refused)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = _address(f"//{headers.get('host', '')}")
        if host is None or not self._admits(host.hostname or ""):
            return 400, _OTHER_HOST
        if "origin" in headers and not _same(_address(headers["origin"]), host):
            return 403, _OTHER_SITE
        if scope["path"] in _TAKES_FILES and not self._files:
            return 404, _NO_FILES
        if told_length(headers) > self._limit(scope):
            return 413, _TOO_LARGE
        return None

    def _admits(self, name: str) -> bool:
        try:
            return name in self._hosts or bool(ip_address(name))
        except ValueError:
            return False

    def _limit(self, scope: Scope) -> int:
        """Bytes of a request's body."""
        return MAX_FILE_BYTES + _FRAME_BYTES if scope["path"] == _UPLOAD else MAX_BODY_BYTES


def _told(path: str, status: int, text: str) -> Response:
    """A refusal, to programs in JSON as all errors of the API are."""
    if path.startswith("/api/"):
        return JSONResponse({"error": text.strip()}, status)
    return PlainTextResponse(text, status)


def _address(url: str) -> SplitResult | None:
    """A URL whose port can be read, else None."""
    try:
        split = urlsplit(url)
        return split if split.hostname and (split.port is None or split.port) else None
    except ValueError:
        return None


def _same(origin: SplitResult | None, host: SplitResult) -> bool:
    """Whether a page's origin is the host that it asks."""
    if origin is None or origin.scheme not in _PORTS:
        return False
    usual = _PORTS[origin.scheme]  # a browser leaves it out
    return (origin.hostname, origin.port or usual) == (host.hostname, host.port or usual)
