"""The reviewers' tab: turns to look at with a form, gaps, and the export of labels.

It shows everyone's conversations; the page has it only where it is asked for.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from apps.review.desk import MAX_NAME, Form, ReviewDesk
from apps.store import StoredTurn
from apps.store_review import WHYS, Case, Why
from apps.web.failure import SORRY, note
from apps.web.listing import listing
from apps.web.panel import plain, polite, words
from apps.web.review_html import NOTHING, WHY_IN_WORDS, conversation_html, gaps_html, title_of
from data.errors import DeskhandError
from data.schema import OOS

_ALL = "all"
_MAX_CHARS = 20_000
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


class ReviewTab:
    """The tab of one desk.

    Args:
        desk: Everyone's turns.
    """

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lay the tab out, inside `tab` of `page`."""
        with gr.Tabs():
            with gr.Tab("Answers", elem_id="review-answers-tab"):
                self._build_answers(page, tab)
            with gr.Tab("Gaps", elem_id="review-gaps-tab") as gaps:
                self._build_gaps(gaps)
            with gr.Tab("Export", elem_id="review-export-tab"):
                self._build_export()

    def _build_answers(self, page: gr.Blocks, tab: gr.Tab) -> None:
        kept = gr.BrowserState("", storage_key="deskhand-reviewer", secret="deskhand")  # noqa: S106 - a name is none
        with gr.Row(elem_classes="dh-review-row"):
            with gr.Column(scale=3, min_width=260):
                why = gr.Dropdown(
                    [("All reasons", _ALL), *((WHY_IN_WORDS[each], each) for each in WHYS)],
                    value=_ALL, label="Why", elem_id="review-why",
                )  # fmt: skip
                done = gr.Checkbox(label="Reviewed ones", elem_id="review-done")
                listed = listing("Answers", "review-list")
            with gr.Column(scale=5, min_width=320):
                talk = gr.HTML(NOTHING, elem_id="review-talk", apply_default_css=False)
            with gr.Column(scale=4, min_width=300):
                with gr.Column(visible=False) as form:
                    intent = gr.Dropdown(
                        [], label="What the customer wanted", allow_custom_value=True,
                        elem_id="review-intent",
                    )  # fmt: skip
                    types = ", ".join(self._desk.types)
                    marks = gr.Textbox(
                        label="Entities: [words](type) in the customer's message", lines=2,
                        max_lines=8, info=f"Types: {types}" if types else None,
                        max_length=2 * _MAX_CHARS, elem_id="review-marks",
                    )  # fmt: skip
                    label = gr.Checkbox(
                        label="The entities are right as marked", elem_id="review-label"
                    )
                    answer = gr.Textbox(
                        label="The right answer", lines=4, max_lines=12, max_length=_MAX_CHARS,
                        elem_id="review-answer",
                    )  # fmt: skip
                    who = gr.Textbox(label="You are", max_length=MAX_NAME, elem_id="review-who")
                    with gr.Row(elem_classes="dh-actions"):
                        save = gr.Button(
                            "Save", variant="primary", size="md", elem_id="review-save"
                        )
                        aside = gr.Button("Set aside", size="md", elem_id="review-aside")
                        back = gr.Button(
                            "Take back", size="md", visible=False, elem_id="review-back"
                        )
                said = gr.HTML("", elem_id="review-said", apply_default_css=False)
        filled = [intent, marks, label, answer]
        shown = [talk, form, *filled, back]
        queue = [why, done]
        ended = [listed, *shown, said, kept]
        page.load(lambda name: name or "", [kept], [who], **_QUIET)
        page.load(self.refresh, queue, [listed, *shown], **_QUIET)
        tab.select(self.refresh, queue, [listed, *shown], **_QUIET)
        for each in queue:
            each.input(self.refresh, queue, [listed, *shown], **_QUIET)
        listed.input(self.open, [listed], shown, **_QUIET)
        save.click(self.save, [listed, who, *filled, *queue], ended, **_QUIET)
        aside.click(self.set_aside, [listed, who, *queue], ended, **_QUIET)
        back.click(self.take_back, [listed, who, *queue], ended, **_QUIET)

    def _build_gaps(self, tab: gr.Tab) -> None:
        gr.Markdown("What people asked and nothing answers, private values left out.")
        table = gr.HTML("", elem_id="review-gaps", apply_default_css=False)
        made = gr.DownloadButton(
            "Download (.csv)", visible=False, size="md",
            elem_id="review-gaps-download", elem_classes="dh-fit",
        )  # fmt: skip
        tab.select(self.gaps, None, [table, made], api_visibility="private",
                   show_progress="minimal", show_progress_on=table)  # fmt: skip

    def _build_export(self) -> None:
        gr.Markdown(
            "Thumbs, corrections and labels as files for `deskhand train`, private values replaced."
            " `deskhand feedback --out DIR` writes the same."
        )
        fit: dict[str, Any] = {"size": "md", "elem_classes": "dh-fit"}
        start = gr.Button("Export labels", elem_id="review-export", **fit)
        said = gr.HTML("", elem_id="review-exported", apply_default_css=False)
        made = gr.DownloadButton(
            "Download (.zip)", visible=False, elem_id="review-export-download", **fit
        )
        start.click(self.export, None, [said, made], api_visibility="private",
                    show_progress="minimal", show_progress_on=said)  # fmt: skip

    def refresh(self, why: str, done: bool) -> tuple[Any, ...]:
        """The list, and its first turn."""
        cases = self._desk.cases(_whys(why), done)
        choices = [(title_of(case), str(case.turn_id)) for case in cases]
        first = choices[0][1] if choices else None
        left = "Reviewed" if done else "To review"
        count = self._desk.count(_whys(why), done)
        shown = f"{count:,}" if count <= len(cases) else f"{len(cases)} of {count:,}"
        listed = gr.update(choices=choices, value=first, label=f"{left}: {shown}")
        return listed, *self.open(first)

    def open(self, turn: str | None) -> tuple[Any, ...]:
        """A turn was chosen: its conversation, and its form."""
        found = self._found(turn)
        if found is None:
            return NOTHING, gr.update(visible=False), *(gr.skip(),) * 5
        case, turns = found
        form = self._desk.form(case)
        names = [("No label", ""), ("Out of scope", OOS)]
        names += [(words(name), name) for name in self._desk.intents()]
        return (
            conversation_html(case, turns),
            gr.update(visible=True),
            gr.update(choices=names, value=form.intent),
            form.marks,
            form.label_entities,
            form.answer,
            gr.update(visible=case.correction is not None),
        )

    def _found(self, turn: str | None) -> tuple[Case, list[StoredTurn]] | None:
        """A turn's case with its conversation; None for what is no number of one."""
        return self._desk.case(int(turn)) if turn and turn.isdecimal() else None

    def save(
        self, turn: str | None, who: str, intent: str | None, marks: str, label: bool,
        answer: str, why: str, done: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        """The form was saved: the next turn is opened."""
        form = Form(intent or "", marks or "", bool(label), answer or "")

        def keep(case: Case) -> str:
            said = self._desk.save(case, who or "", form)
            return "Saved: " + ", ".join(
                [
                    f"intent {words(said.intent)}" if said.intent else "no intent",
                    "entities as marked" if said.entities is not None else "no entities labelled",
                    "another answer" if said.answer else "the answer as it was",
                ]
            )

        return self._done(turn, keep, who, why, done)

    def set_aside(self, turn: str | None, who: str, why: str, done: bool) -> tuple[Any, ...]:
        """Nothing is to be learned from this turn."""

        def keep(case: Case) -> str:
            self._desk.set_aside(case, who or "")
            return "Set aside: nothing is learned from it."

        return self._done(turn, keep, who, why, done)

    def take_back(self, turn: str | None, who: str, why: str, done: bool) -> tuple[Any, ...]:
        """What was said of this turn is forgotten."""

        def keep(case: Case) -> str:
            self._desk.take_back(case)
            return "Taken back: it is to be reviewed again."

        return self._done(turn, keep, who, why, done)

    def _done(
        self, turn: str | None, keep: Callable[[Case], str], who: str, why: str, done: bool
    ) -> tuple[Any, ...]:
        try:
            found = self._found(turn)
            if found is None:
                return *self.refresh(why, done), polite("That conversation is gone."), gr.skip()
            line = keep(found[0])
            return *self.refresh(why, done), plain(line), who
        except DeskhandError as error:
            line = str(error)
        except Exception as error:  # the store may fail in many ways
            note("review", error)
            line = SORRY
        return *(gr.skip(),) * 8, polite(line), gr.skip()

    def gaps(self) -> Iterator[tuple[str, Any]]:
        """Yield the gaps as they are now, and their table to download."""
        hidden = gr.update(visible=False)
        try:
            gaps = self._desk.gaps()
        except Exception as error:  # the encoder or the index may be anything
            note("gaps", error)
            yield polite(SORRY), hidden
            return
        if not gaps:
            yield gaps_html(gaps), hidden
            return
        with tempfile.TemporaryDirectory() as folder:  # gradio copies what it is given
            path = self._desk.gaps_table(gaps, Path(folder))
            yield gaps_html(gaps), gr.update(value=str(path), visible=True)

    def export(self) -> Iterator[tuple[str, Any]]:
        """Yield what was exported, and the file to download."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                done, made = self._desk.export(Path(folder))
            except Exception as error:  # a full disk, say
                note("review", error)
                yield polite(SORRY), gr.update(visible=False)
                return
            if made is None:
                line = "Nothing has a thumb, a correction or a label yet."
                yield polite(line), gr.update(visible=False)
                return
            counts = ", ".join(f"{done[kind]} {kind}" for kind in done if kind != "conversations")
            line = f"Rows of {done['conversations']} conversations: {counts}."
            yield plain(line), gr.update(value=str(made), visible=True)


def _whys(why: str) -> Sequence[Why]:
    return [each for each in WHYS if why in (_ALL, each)]
