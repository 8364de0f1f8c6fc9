"""Many conversations at once: a file is uploaded, summarized with progress, read and downloaded."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import gradio as gr

from apps.web.failure import SORRY, note
from apps.web.panel import plain, polite
from data.errors import DeskhandError
from data.schema import Conversation

if TYPE_CHECKING:
    from apps.summarizer.summarizer import Summary

_KINDS = [("Table (.csv)", ".csv"), ("Page (.md)", ".md"), ("Tickets (.jsonl)", ".jsonl")]
_BAD = 5  # bad rows that are told
ROWS = 50  # of the table; the file has all


class _StoppedError(Exception):
    """The visitor pressed Stop."""


class BatchPanel:
    """A file of conversations → a table to read, and a file to download.

    Args:
        summarize: Conversation → Summary.
    """

    def __init__(self, summarize: "Callable[[Conversation], Summary]") -> None:
        self._summarize = summarize
        self._stops: dict[str, Event] = {}  # by the page that runs one

    def build(self) -> gr.HTML:
        """Lay it out; the table comes with it, to be rendered where there is room."""
        table = gr.HTML("", elem_id="summarizer-table", apply_default_css=False, render=False)
        file = gr.File(
            label="A file of conversations: JSONL, CSV, a helpdesk's export, a zip of them",
            height=120,
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
            self.summarize_file, [file, kind], [said, made, table, start, stop],
            api_visibility="private", show_progress="full", show_progress_on=[said],
            concurrency_limit=1,
        )  # fmt: skip
        stop.click(self.stop, None, None, api_visibility="private", show_progress="hidden")
        return table

    def stop(self, request: gr.Request) -> None:
        """End this page's run behind the conversation that is being read."""
        event = self._stops.get(str(request.session_hash))
        if event is not None:
            event.set()

    def summarize_file(
        self,
        uploaded: str | None,
        kind: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # gradio finds it by its default
    ) -> Iterator[tuple[Any, ...]]:
        """Yield how it went, the file to download, the table; the upload is then removed."""
        from apps.summarizer.batch import SUFFIXES, summarize_file

        if not uploaded or kind not in SUFFIXES:
            yield _ended(polite("Please choose a file first."))
            return
        path, page, stop = Path(uploaded), str(request.session_hash), Event()
        self._stops[page] = stop
        yield (
            "",
            gr.update(visible=False),
            "",
            gr.update(interactive=False),
            gr.update(visible=True),
        )
        tickets: list[Mapping[str, Any]] = []

        def summarize(conversation: Conversation) -> "Summary":
            summary = self._summarize(conversation)
            if len(tickets) < ROWS:
                tickets.append(summary.ticket(conversation))
            return summary

        def told(done: int) -> None:
            if stop.is_set():
                raise _StoppedError(done)
            progress((done, None), desc="Summarizing", unit="conversations")

        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / f"summaries{kind}"
            try:
                done = summarize_file(path, out, summarize, told)
            except _StoppedError as stopped:
                line = f"Stopped after {stopped} conversations; nothing of them was kept."
                yield _ended(plain(line))
                return
            except DeskhandError as error:
                yield _ended(polite(str(error).replace(str(path), path.name)))
                return
            except Exception as error:  # whatever it does, the visitor is to read a polite line
                note("summarizer", error)
                yield _ended(polite(SORRY))
                return
            finally:
                path.unlink(missing_ok=True)
                self._stops.pop(page, None)
            lines = [f"{done.tickets} summaries, {len(done.bad)} rows that could not be read."]
            lines += [line.replace(str(path), path.name) for line in done.bad.lines[:_BAD]]
            if done.tickets > len(tickets):
                lines.append(f"The first {len(tickets)} are shown; the download has all.")
            made = gr.update(value=str(out), visible=True)
            yield _ended(plain("\n".join(lines)), made, table_html(tickets))


def _ended(said: str, made: Any = None, table: str = "") -> tuple[Any, ...]:  # noqa: ANN401 - gradio's
    """The outputs when a run is over: it may be started again."""
    made = gr.update(visible=False) if made is None else made
    return said, made, table, gr.update(interactive=True), gr.update(visible=False)


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
        rows.append("".join(f"<td>{escape(str(cell))}</td>" for cell in cells))
    heads = ("Conversation", "In short", "Ended", "Open", "Mood")
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="dh-scroll"><table class="dh-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
