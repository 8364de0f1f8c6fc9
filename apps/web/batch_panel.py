"""Many conversations at once: a file is uploaded, summarized with progress, read and downloaded."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import gradio as gr

from apps.web.failure import SORRY, note
from apps.web.panel import plain, polite
from data.errors import DeskhandError
from data.schema import Conversation

if TYPE_CHECKING:
    from apps.summarizer.summarizer import Summary

_KINDS = [("Table (.csv)", ".csv"), ("Page (.md)", ".md"), ("Tickets (.jsonl)", ".jsonl")]
_HEADS = ("Conversation", "In short", "Ended", "Open", "Mood")
_OPTION = re.compile(r" --[a-z]")  # words for the command line, which say what to type there
_UNREAD = (
    "No conversations could be found in that file. It may be JSONL, CSV with a column for who "
    "speaks and one for the text, a helpdesk's export, or a zip of those."
)
_BAD = 5  # bad rows that are told
EVERY_S = 0.3  # how often the page is told
ROWS = 50  # of the table; the file has all


class _StoppedError(Exception):
    """The visitor pressed Stop."""


@dataclass(slots=True)
class _Run:
    """A run: whether it is to stop, how far it is, and what came of it."""

    stop: Event = field(default_factory=Event)
    done: int = 0
    tickets: list[Mapping[str, Any]] = field(default_factory=list)
    said: str = ""
    whole: bool = False


class BatchPanel:
    """A file of conversations → a table to read, and a file to download.

    Args:
        summarize: Conversation → Summary.
    """

    def __init__(self, summarize: "Callable[[Conversation], Summary]") -> None:
        self._summarize = summarize
        self._runs: dict[str, _Run] = {}  # by the page

    def build(self) -> gr.HTML:
        """Lay it out; the table comes with it, to be rendered where there is room."""
        table = gr.HTML("", elem_id="summarizer-table", apply_default_css=False, render=False)
        file = gr.File(
            label="A file of conversations: JSONL, CSV, a helpdesk's export, a zip of them",
            height=160,
            elem_id="summarizer-file",
        )
        kind = gr.Radio(_KINDS, value=".csv", label="As", elem_id="summarizer-kind")
        with gr.Row(elem_classes="dh-actions"):
            start = gr.Button("Summarize the file", size="md", elem_id="summarizer-start")
            stop = gr.Button("Stop", size="md", visible=False, elem_id="summarizer-stop")
        said = gr.HTML("", elem_id="summarizer-said", apply_default_css=False)
        made = gr.DownloadButton(
            "Download", visible=False, size="md", elem_id="summarizer-download"
        )
        start.click(
            self.summarize_file, [file, kind], [said, made, table, start, stop, file],
            api_visibility="private", show_progress="hidden", concurrency_limit=1,
        )  # fmt: skip
        stop.click(self.stop, None, None, api_visibility="private", show_progress="hidden")
        return table

    def stop(self, request: gr.Request) -> None:
        """End this page's run behind the conversation that is being read."""
        run = self._runs.get(str(request.session_hash))
        if run is not None:
            run.stop.set()

    def summarize_file(
        self, uploaded: str | None, kind: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Yield how it goes, then the file to download and the table; the upload is removed."""
        from apps.summarizer.batch import SUFFIXES

        if not uploaded or kind not in SUFFIXES:
            yield _ended(polite("Please choose a file first."))
            return
        if not Path(uploaded).exists():  # gradio keeps one copy of equal uploads
            yield _ended(polite("That upload is gone already. Please choose the file again."))
            return
        path, page, run = Path(uploaded), str(request.session_hash), _Run()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / f"summaries{kind}"
            work = Thread(target=self._work, args=(run, path, out), daemon=True)
            self._runs[page] = run
            try:
                work.start()
                yield _going(run.done)  # however quick the work is, the page shows that it began
                while work.is_alive():
                    work.join(EVERY_S)
                    yield _going(run.done)
            finally:  # also where the page was closed
                run.stop.set()
                work.join()
                self._runs.pop(page, None)
                path.unlink(missing_ok=True)
            yield _ended(run.said, gr.update(value=str(out), visible=True) if run.whole else None,
                         table_html(run.tickets) if run.whole else "")  # fmt: skip

    def _work(self, run: "_Run", path: Path, out: Path) -> None:
        """Summarize the file, in a thread of its own; what came of it is in `run`."""
        from apps.summarizer.batch import summarize_file

        def summarize(conversation: Conversation) -> "Summary":
            if run.stop.is_set():
                raise _StoppedError
            summary = self._summarize(conversation)
            if len(run.tickets) < ROWS:
                run.tickets.append(summary.ticket(conversation))
            return summary

        def told(done: int) -> None:
            run.done = done

        try:
            done = summarize_file(path, out, summarize, told)
        except _StoppedError:
            run.said = plain(f"Stopped after {run.done} conversations; nothing of them was kept.")
        except DeskhandError as error:
            line = str(error).replace(str(path), path.name)
            run.said = polite(_UNREAD if _OPTION.search(line) else line)
        except Exception as error:  # whatever it does, the visitor is to read a polite line
            note("summarizer", error)
            run.said = polite(SORRY)
        else:
            run.whole = True
            lines = [f"{done.tickets} summaries, {len(done.bad)} rows that could not be read."]
            lines += [line.replace(str(path), path.name) for line in done.bad.lines[:_BAD]]
            if done.tickets > len(run.tickets):
                lines.append(f"The first {len(run.tickets)} are shown; the download has all.")
            run.said = plain("\n".join(lines))


def _going(done: int) -> tuple[Any, ...]:
    """The outputs while it runs."""
    line = f'<p class="dh-going" role="status">Summarizing: {done} conversations so far…</p>'
    running = gr.update(interactive=False), gr.update(visible=True)
    return line, gr.update(visible=False), "", *running, gr.skip()


def _ended(said: str, made: Any = None, table: str = "") -> tuple[Any, ...]:  # noqa: ANN401 - gradio's
    """The outputs when a run is over: the box is empty, as the upload is gone."""
    made = gr.update(visible=False) if made is None else made
    return said, made, table, gr.update(interactive=True), gr.update(visible=False), None


def table_html(tickets: Sequence[Mapping[str, Any]]) -> str:
    """The tickets as a table: who, what was wanted, how it ended, what is open, the mood."""
    rows = []
    for ticket in tickets:
        mood = ticket["sentiment"]
        moved = [each for each in (mood["first"], mood["last"]) if each]
        cells = (
            ticket["id"],
            ticket["summary"] or ticket["subject"],
            ticket["ended"],
            " · ".join(ticket["open"]),
            " → ".join(dict.fromkeys(moved)),
        )
        rows.append(
            "".join(
                f'<td data-name="{name}">{escape(str(cell))}</td>'
                for name, cell in zip(_HEADS, cells, strict=True)
            )
        )
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="dh-scroll"><table class="dh-table dh-tickets"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
