"""The server: the page at /, its visitors' cookie, who is let in, and /health."""

from collections.abc import Sequence
from contextlib import suppress
from socket import socket

import gradio as gr
import uvicorn
from fastapi import APIRouter, FastAPI

from apps.web.admission import MAX_FILE_BYTES, Admission
from apps.web.draft import SCRIPT
from apps.web.theme import style, theme
from apps.web.visitor import VisitorCookie

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


def serve(server: FastAPI, sockets: Sequence[socket]) -> None:
    """Serve on bound sockets until interrupted. Request lines are not logged."""
    running = uvicorn.Server(uvicorn.Config(server, log_level="warning", access_log=False))
    with suppress(KeyboardInterrupt):
        running.run([*sockets])
        if not running.started:
            raise SystemExit(1)  # what was wrong, uvicorn has told
