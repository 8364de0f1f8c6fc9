"""A question tab: a box, the answer, and what it rests on."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from apps.app import MAX_SENT_CHARS, App
from apps.chat import exchange
from apps.explain import answer_values
from apps.faq.faq import RELATED
from apps.store import Store
from apps.web.draft import KEPT, answered, begun, draft_box, message_id, with_draft
from apps.web.failure import SORRY, note
from apps.web.panel import badge, passages_html, plain, polite, times_html
from apps.web.visitor import owner_of

_WAITING = '<p class="dh-quiet">The answer appears here.</p>'


class FaqTab:
    """One question app's tab; the questions of one page load are one conversation.

    Args:
        name: The app's name in the store, and the beginning of its elements' ids.
        app: Who answers.
        store: Where questions and answers are kept.
        explain: Whether visitors see how an answer came about, and not its sources alone.
    """

    def __init__(self, name: str, app: App, store: Store, explain: bool = True) -> None:
        self._name, self._app, self._store, self._explain = name, app, store, explain

    def build(self) -> None:
        """Lay the tab out, inside a gr.Tab."""
        name = self._name
        current, draft = gr.Textbox(visible=False, label="Conversation"), draft_box()
        with gr.Column(elem_classes="dh-narrow"):
            with gr.Row(elem_classes="dh-compose"):
                box = gr.Textbox(
                    label="Your question",
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=4,
                    placeholder="Ask a question…",
                    max_length=MAX_SENT_CHARS,
                    scale=8,
                    min_width=160,
                    elem_id=f"{name}-question",
                    elem_classes="dh-box",
                )
                ask = gr.Button(
                    "Ask", variant="primary", scale=0, min_width=84, elem_id=f"{name}-ask"
                )
            with gr.Row(elem_classes="dh-chips", elem_id=f"{name}-examples"):
                chips = [
                    gr.Button(example, size="sm", scale=0, min_width=0, elem_classes="dh-chip")
                    for example in self._app.examples
                ]
            answer = gr.HTML(
                _WAITING,
                elem_id=f"{name}-answer",
                elem_classes="dh-answer",
                apply_default_css=False,
            )
            with gr.Row(elem_classes="dh-chips dh-related-row", elem_id=f"{name}-related"):
                related = [
                    gr.Button(size="sm", scale=0, min_width=0, visible=False,
                              elem_classes="dh-chip")
                    for _ in range(RELATED)
                ]  # fmt: skip
            sources = gr.HTML("", elem_id=f"{name}-sources", apply_default_css=False)
        outputs = [current, answer, sources, *related, draft]
        options: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "minimal",
            "show_progress_on": answer,
            "js": with_draft(name, 2),
        }
        asked = [
            gr.on([box.submit, ask.click], self.ask, [box, current, draft], outputs, **options)
        ]
        for chip in (*chips, *related):
            chosen = chip.click(lambda text: text, [chip], [box], api_visibility="private")
            asked.append(chosen.then(self.ask, [chip, current, draft], outputs, **options))
        for each in asked:
            each.success(None, [draft], js=answered(name))

    def ask(
        self, text: str, conversation: str | None, request: gr.Request, draft: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """The answer as it grows, then its sources and related questions."""
        text = (text or "")[:MAX_SENT_CHARS]
        if not text.strip():
            yield (gr.skip(),) * (4 + RELATED)
            return
        owner = owner_of(request)
        try:
            if conversation is None or not self._store.owns(owner, conversation):
                conversation = begun(self._store, owner, self._name, draft)
            yield conversation, '<p class="dh-quiet">Looking…</p>', "", *_chips(()), ""
            for answer, turn_id in exchange(
                self._app, self._store, conversation, text, message_id(draft, text)
            ):
                whole = turn_id is not None
                sources = self._sources(answer_values(answer)) if whole else ""
                yield gr.skip(), plain(answer.text), sources, *_chips(answer.related), ""
        except Exception as error:  # whatever app and store do, the visitor reads a polite line
            note(self._name, error)
            yield gr.skip(), polite(SORRY), "", *_chips(()), KEPT

    def _sources(self, trace: dict[str, Any]) -> str:
        if not self._explain:
            return "" if trace["reason"] else f'<div class="dh-panel">{_found(trace)}</div>'
        times = f"<section><h4>Time</h4>{times_html(trace['ms'])}</section>"
        return f'<div class="dh-panel">{badge(trace)}{_found(trace)}{times}</div>'


def _chips(questions: Sequence[str]) -> list[Any]:
    """Updates of the buttons with related questions; those that are not needed are hidden."""
    shown = [gr.update(value=question, visible=True) for question in questions[:RELATED]]
    return [*shown, *[gr.update(value="", visible=False)] * (RELATED - len(shown))]


def _found(trace: dict[str, Any]) -> str:
    heading = "Closest entries, not close enough" if trace["reason"] else "Sources"
    return f"<section><h4>{heading}</h4>{passages_html(trace['passages'])}</section>"
