"""The server: the page at /, its visitors' cookie, who is let in, and /health."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from socket import socket

import gradio as gr
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount

from apps.web.admission import MAX_FILE_BYTES, Admission
from apps.web.draft import SCRIPT
from apps.web.theme import style, theme
from apps.web.visitor import VisitorCookie

ENDING_S = 5  # what is being answered may take so long when the server is told to end
WITHOUT_VISITOR = ("/health", "/api")  # what programs call


def create_server(
    page: gr.Blocks,
    routers: Sequence[APIRouter] = (),
    without_visitor: Sequence[str] = WITHOUT_VISITOR,
    hosts: Sequence[str] = (),
) -> FastAPI:
    """The page behind a FastAPI application.

    Args:
        page: From apps.web.page.
        routers: Further routes; they come before the page, which takes every other path.
        without_visitor: Paths, with all below them, that set no cookie.
        hosts: Names that it is reached by, beside `localhost` and IP addresses.
    """
    server = FastAPI(title="Deskhand", docs_url=None, redoc_url=None)  # those load from a CDN
    server.add_middleware(VisitorCookie, without=without_visitor)
    files = any(isinstance(block, gr.File | gr.UploadButton) for block in page.blocks.values())
    server.add_middleware(Admission, hosts=hosts, files=files)  # the last one added comes first

    @server.get("/health")
    def health() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    for router in routers:
        server.include_router(router)
    gr.mount_gradio_app(
        server,
        page,
        path="/",
        theme=theme(),
        head=style() + SCRIPT,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=MAX_FILE_BYTES,
    )
    return server


class Serving(uvicorn.Server):
    """Tells that it listens; ends although pages are open, and without a traceback.

    Args:
        server: From create_server.
        up: Called once it listens.
    """

    def __init__(self, server: FastAPI, up: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                server, log_level="warning", access_log=False, timeout_graceful_shutdown=ENDING_S
            )
        )
        self._up, self._pages = up, server.routes[-1]

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        if self.started:
            self._up()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """See uvicorn. What is being answered then is answered if it takes no longer."""
        if isinstance(self._pages, Mount) and isinstance(self._pages.app, gr.routes.App):
            self._pages.app.stop_event.set()  # each open page holds a connection that never ends
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of requests it breaks off
        await super().shutdown(sockets)


def serve(server: FastAPI, sockets: Sequence[socket], up: Callable[[], None]) -> None:
    """Serve on bound sockets until interrupted. Request lines are not logged.

    What is written meanwhile, such as uploads and what is made of them, is the server's user's
    alone to read.

    Args:
        server: From create_server.
        sockets: From apps.listening.
        up: Called once they are listened on.
    """
    os.umask(0o077)
    running = Serving(server, up)
    with suppress(KeyboardInterrupt):
        running.run([*sockets])
        if not running.started:
            raise SystemExit(1)  # what was wrong, uvicorn has told
