"""The summarizer's tab: paste a conversation or upload a file of them, read what came of each."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import gradio as gr

from apps.web.batch_panel import BatchPanel
from apps.web.failure import SORRY, note
from apps.web.panel import polite, summary_html
from apps.web.paste import EXAMPLE, MAX_PASTED_CHARS, parse_conversation
from data.errors import LogFormatError
from data.schema import Conversation

if TYPE_CHECKING:
    from apps.summarizer.summarizer import Summary

_WAITING = '<p class="dh-quiet">The summary appears here.</p>'


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
                    table = BatchPanel(self._summarize).build()
            with gr.Column(scale=5, min_width=320):
                summary = gr.HTML(_WAITING, elem_id="summarizer-summary", apply_default_css=False)
        table.render()
        # In the browser: who presses "Summarize" at once is to find the example already there.
        example.click(None, None, [pasted], js=f"() => {json.dumps(EXAMPLE)}")
        button.click(
            self.summarize, [pasted], [summary], api_visibility="private", show_progress="minimal"
        )

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
