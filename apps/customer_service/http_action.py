"""An action as an HTTP call: what is sent, how often, and what the reply means."""

import json
import logging
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from apps.actions import ActionResult
from apps.customer_service.workflow_check import ENVIRONMENT
from apps.customer_service.workflow_file import BRACES, FAILED, FieldSay, HttpConfig

MAX_BYTES = 1_000_000  # of a reply
MAX_FACT_CHARS = 300
FIRST_PAUSE_S = 0.2  # before the second try; each further one waits twice as long
_AGAIN = frozenset({429, 500, 502, 503, 504})
logger = logging.getLogger(__name__)


def call(http: HttpConfig, slots: Mapping[str, str], key: str | None = None) -> ActionResult:
    """Send the call, again where that is safe, and read what it came to.

    Args:
        http: The call.
        slots: Values for its braces.
        key: The action's key, for the idempotency header; a preview has none.

    Returns:
        `failed` where the line is dead, too slow, or the reply is not what the file expects.
    """
    path = re.split("[?#]", http.url)[0]
    if any(set(slots.get(name, "")) <= {"."} for name in BRACES.findall(path)):
        return ActionResult(FAILED)  # "..", or nothing: the path would lead elsewhere
    url = BRACES.sub(lambda match: quote(slots.get(match.group(1), ""), safe=""), http.url)
    headers = {
        name: ENVIRONMENT.sub(lambda match: os.environ[match.group(1)], value)
        for name, value in http.headers.items()
    }
    if key is not None and http.idempotency_header is not None:
        headers[http.idempotency_header] = key
    tries = 1 + (http.retries if http.repeatable else 0)
    for number in range(tries):
        if number:
            time.sleep(FIRST_PAUSE_S * 2 ** (number - 1))
        try:
            status, body = _sent(http, url, headers, _filled(http.body, slots))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            logger.warning("%s %s: %s", http.method, _host(http.url), type(error).__name__)
            continue
        if status not in http.say and status in _AGAIN:
            logger.warning("%s %s: status %d", http.method, _host(http.url), status)
            continue
        return _meaning(http, status, body)
    return ActionResult(FAILED)


def _sent(http: HttpConfig, url: str, headers: dict[str, str], body: Any) -> tuple[int, bytes]:  # noqa: ANN401 - JSON
    """Status and body of one try, which is made in a thread and cut off when its time is over.

    A server that drips bytes ends no wait for the next one: only the line itself can be cut. A
    redirect is not followed, since it may lead elsewhere.

    Raises:
        TimeoutError: If it takes longer than `timeout_s`, or the reply is too large.
        httpx.HTTPError: If the line is dead.
    """
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers = {"Content-Type": "application/json", **headers}
    client = httpx.Client(verify=_trusted(), timeout=http.timeout_s, follow_redirects=False)
    request = client.build_request(http.method, url, headers=headers, content=content)
    pool = ThreadPoolExecutor(1, thread_name_prefix="http_action")
    line = _Line(time.monotonic() + http.timeout_s)
    request.extensions["trace"] = line.follow
    try:
        return pool.submit(_read, client, request).result(http.timeout_s)
    finally:
        line.cut()
        pool.shutdown(wait=False)


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted, read once: that takes longer than many a call."""
    return httpx.create_ssl_context()


def _read(client: httpx.Client, request: httpx.Request) -> tuple[int, bytes]:
    """The try itself; the client is closed after it."""
    with client:
        reply = client.send(request, stream=True)
        parts, size = [], 0
        for part in reply.iter_bytes():
            size += len(part)
            if size > MAX_BYTES:
                raise TimeoutError
            parts.append(part)
        return reply.status_code, b"".join(parts)


class _Line:
    """The connection of one try, which another thread can cut.

    Args:
        end: When it is over, in seconds of the monotonic clock.
    """

    def __init__(self, end: float) -> None:
        self._end = end
        self._stream: Any = None  # httpcore's

    def follow(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of what httpcore has opened; what opens too late is closed at once."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]
            if time.monotonic() >= self._end:
                self._stream.close()
                raise TimeoutError

    def cut(self) -> None:
        """End the connection, so that whoever waits for its next byte goes on."""
        if self._stream is not None:
            with suppress(OSError):  # it is closed already
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _meaning(http: HttpConfig, status: int, body: bytes) -> ActionResult:
    say = http.say.get(status)
    if say is None:
        return ActionResult(FAILED)
    reply: Any = None
    if http.facts or isinstance(say, FieldSay):
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            return ActionResult(FAILED) if isinstance(say, FieldSay) or status < 300 else (
                ActionResult(say)
            )  # fmt: skip
    facts = {name: _text(_at(reply, path)) for name, path in http.facts.items()}
    if isinstance(say, FieldSay):
        say = say.values.get(_text(_at(reply, say.field)), FAILED)
    return ActionResult(say, {name: text for name, text in facts.items() if text})


def _filled(value: Any, slots: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return BRACES.sub(lambda match: slots.get(match.group(1), ""), value)
    if isinstance(value, dict):
        return {key: _filled(inner, slots) for key, inner in value.items()}
    return [_filled(inner, slots) for inner in value] if isinstance(value, list) else value


def _at(value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    """A plain value as text; nothing for what is none, an object or a list."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(char for char in text if char.isprintable())[:MAX_FACT_CHARS]


def _host(url: str) -> str:
    return "/".join(url.split("/")[:3])
