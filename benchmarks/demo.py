"""The demo: cold and warm starts until the page answers, memory, and one turn through the bot."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shell import SAMPLES, environment, row
from data.rows import read_rows

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def turns_here() -> None:
    """Answer each test turn in a fresh conversation; print p50, p95, turns and GiB."""
    import psutil

    from apps.build import APPS, build_store
    from apps.chat import exchange
    from apps.config import app_config

    with tempfile.TemporaryDirectory() as work:
        url = f"store=sqlite:///{work}/bench.db"
        config, folder = app_config("customer_service", [url])
        store = build_store(config, folder)
        bot = APPS["customer_service"](config, folder, store)
        texts = [str(r.values["text"]) for r in read_rows(SAMPLES / "turns" / "test.jsonl")]
        times = []
        for text in ["hello", *texts]:
            identity = store.new_conversation("bench", "customer_service")
            start = time.perf_counter()
            list(exchange(bot, store, identity, text))
            times.append((time.perf_counter() - start) * 1000)
    memory = psutil.Process().memory_info().rss / 2**30
    p50, p95 = np.percentile(times[1:], [50, 95])
    sys.stdout.write(f"{p50:.1f} {p95:.1f} {len(times) - 1} {memory:.2f}\n")


def run(datasets: Path) -> list[dict[str, Any]]:
    """Start the demo in an empty folder, ask on the page, stop, start again; then time the bot."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        cold, memory_cold = _start_and_ask(work)
        warm, memory = _start_and_ask(work)
        p50, p95, count, bot_memory = _turns(work)
    return [
        row("from nothing to an answer on the page, s", round(cold), "240"),
        row("a second start to the first answer, s", round(warm, 1), "8"),
        row("memory of the page's process, GiB", f"{max(memory, memory_cold):.2f}", "1.5"),
        row("a turn through the bot, p50, ms", p50, "60", f"{count} turns, each stored"),
        row("a turn through the bot, p95, ms", p95, "120"),
        row("memory of the bot's process, GiB", bot_memory, "1.5"),
    ]


def _turns(folder: Path) -> list[str]:
    """What `turns_here` prints, in a process of its own."""
    code = "from benchmarks.demo import turns_here; turns_here()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.split()


def _start_and_ask(folder: Path) -> tuple[float, float]:
    """Seconds until an answer stands on the page, and the server's memory then in GiB."""
    import psutil

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "apps.cli", "demo", "--port", str(port)],
        cwd=folder, env=environment(), stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not _healthy(port):
            if server.poll() is not None:
                raise RuntimeError("the demo stopped before its page was up")
            time.sleep(0.1)
        _ask(port)
        seconds = time.perf_counter() - start
        return seconds, psutil.Process(server.pid).memory_info().rss / 2**30
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _ask(port: int) -> None:
    """Type a question into the page and wait for its answer."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        box = page.locator("#customer_service-message textarea")
        box.fill("where is my order FK-219044?")
        box.press("Enter")
        page.locator("#customer_service-chat .bot", has_text="Parcelway").wait_for(timeout=30_000)
        browser.close()
