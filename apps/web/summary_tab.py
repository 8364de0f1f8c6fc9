"""The summarizer's tab: paste a conversation or upload a file of them, read what came of each."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from apps.web.failure import SORRY, note
from apps.web.panel import plain, polite, summary_html
from apps.web.paste import EXAMPLE, MAX_PASTED_CHARS, parse_conversation
from data.errors import DeskhandError, LogFormatError
from data.schema import Conversation

if TYPE_CHECKING:
    from apps.summarizer.summarizer import Summary

_WAITING = '<p class="dh-quiet">The summary appears here.</p>'
_KINDS = [("Table (.csv)", ".csv"), ("Page (.md)", ".md"), ("Tickets (.jsonl)", ".jsonl")]
_SHOWN = 5  # bad rows


class SummaryTab:
    """The tab of one summarizer.

    Args:
        summarize: Conversation → Summary.
    """

    def __init__(self, summarize: "Callable[[Conversation], Summary]") -> None:
        self._summarize = summarize

    def build(self) -> None:
        """Lay the tab out, inside a gr.Tab."""
        with gr.Row(elem_classes="dh-summary-row"):
            with gr.Column(scale=5, min_width=320):
                pasted = gr.Textbox(
                    label="Conversation",
                    lines=14,
                    max_lines=22,
                    max_length=MAX_PASTED_CHARS,
                    placeholder="Customer: …\nAgent: …",
                    elem_id="summarizer-pasted",
                )
                with gr.Row(elem_classes="dh-actions"):
                    example = gr.Button("Use an example", size="md", elem_id="summarizer-example")
                    button = gr.Button(
                        "Summarize", variant="primary", size="md", elem_id="summarizer-run"
                    )
                with gr.Accordion("Many at once", open=False, elem_id="summarizer-batch"):
                    self._build_batch()
            with gr.Column(scale=5, min_width=320):
                summary = gr.HTML(_WAITING, elem_id="summarizer-summary", apply_default_css=False)
        example.click(lambda: EXAMPLE, None, [pasted], api_visibility="private")
        button.click(
            self.summarize, [pasted], [summary], api_visibility="private", show_progress="minimal"
        )

    def _build_batch(self) -> None:
        file = gr.File(
            label="A file of conversations: JSONL, CSV, a helpdesk's export",
            height=120,
            elem_id="summarizer-file",
        )
        kind = gr.Radio(_KINDS, value=".csv", label="As", elem_id="summarizer-kind")
        start = gr.Button("Summarize the file", size="md", elem_id="summarizer-start")
        said = gr.HTML("", elem_id="summarizer-said", apply_default_css=False)
        made = gr.DownloadButton(
            "Download", visible=False, size="md", elem_id="summarizer-download"
        )
        start.click(
            self.summarize_file, [file, kind], [said, made], api_visibility="private",
            show_progress="full", show_progress_on=[said], concurrency_limit=1,
        )  # fmt: skip

    def summarize(self, pasted: str) -> str:
        """The summary as HTML, or a polite line."""
        try:
            summary = self._summarize(parse_conversation(pasted or ""))
        except LogFormatError as error:
            return polite(str(error))
        except (
            Exception
        ) as error:  # whatever the summarizer does, the visitor is to read a polite line
            note("summarizer", error)
            return polite(SORRY)
        parts = [
            ("What the customer wanted", summary.wanted),
            ("What was done", summary.done),
            ("How it ended", summary.ended),
        ]
        some = [
            ("What was tried", " · ".join(summary.tried)),
            ("Still open", " · ".join(summary.open)),
            ("The customer's mood, turn by turn", " → ".join(mood for _, mood in summary.moods)),
            ("Chosen by", summary.made_by),
        ]
        short = [("In short", summary.short)] if summary.short else []
        parts = [*short, *parts, *((name, text) for name, text in some if text)]
        return summary_html(parts, [(e.type, e.text) for e in summary.entities], summary.text)

    def summarize_file(
        self,
        uploaded: str | None,
        kind: str,
        progress: gr.Progress = gr.Progress(),  # gradio finds it by its default
    ) -> Iterator[tuple[str, Any]]:
        """Yield a line of how it went, and the file to download; the upload is then removed."""
        from apps.summarizer.batch import SUFFIXES, summarize_file

        nothing = gr.update(visible=False)
        if not uploaded or kind not in SUFFIXES:
            yield polite("Please choose a file first."), nothing
            return
        path = Path(uploaded)

        def told(done: int) -> None:
            progress((done, None), desc="Summarizing", unit="conversations")

        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / f"summaries{kind}"
            try:
                done = summarize_file(path, out, self._summarize, told)
            except DeskhandError as error:
                yield polite(str(error).replace(str(path), path.name)), nothing
                return
            except Exception as error:  # as above
                note("summarizer", error)
                yield polite(SORRY), nothing
                return
            finally:
                path.unlink(missing_ok=True)
            lines = [f"{done.tickets} summaries, {len(done.bad)} rows that could not be read."]
            lines += [line.replace(str(path), path.name) for line in done.bad.lines[:_SHOWN]]
            yield plain("\n".join(lines)), gr.update(value=str(out), visible=True)
