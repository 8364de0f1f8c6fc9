"""A chat tab: this visitor's conversations, the chat, and how the latest answer came about."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from html import escape
from typing import Any

import gradio as gr

from apps.app import MAX_SENT_CHARS, App
from apps.chat import exchange
from apps.store import Listed, Store, StoredTurn
from apps.web.draft import KEPT, answered, begun, draft_box, message_id, with_draft
from apps.web.failure import SORRY, note
from apps.web.listing import listing
from apps.web.panel import NOTHING_YET, explanation, polite
from apps.web.visitor import owner_of
from data.schema import Speaker

WAITING = "…"  # what the agent says until the first words of an answer
_ROLE_OF_SPEAKER: dict[Speaker, str] = {"customer": "user", "agent": "assistant"}
_FEEDBACK_OF_THUMB = {1: "Like", -1: "Dislike"}
_TOGGLE_LIST = "() => { document.documentElement.classList.toggle('dh-list-open'); }"
_CLOSE_LIST = "() => { document.documentElement.classList.remove('dh-list-open'); }"


class ChatTab:
    """One chat app's tab. The browser keeps which conversation is open, as a restart loses no page.

    Args:
        name: The app's name in the store, and the beginning of its elements' ids.
        app: Who answers.
        store: Where conversations are kept.
        explain: Whether visitors see how an answer came about.
    """

    def __init__(self, name: str, app: App, store: Store, explain: bool = True) -> None:
        self._name, self._app, self._store, self._explain = name, app, store, explain

    def build(self, page: gr.Blocks) -> None:
        """Lay the tab out, inside a gr.Tab of `page`."""
        name = self._name
        current, draft = gr.Textbox(visible=False, label="Conversation"), draft_box()
        with gr.Row(elem_classes="dh-chat-row"):
            with gr.Column(scale=0, min_width=210, elem_classes="dh-list-column"):
                toggle = gr.Button(
                    "Conversations", size="sm", elem_id=f"{name}-toggle", elem_classes="dh-toggle"
                )
                new = gr.Button("+ New conversation", size="sm", elem_id=f"{name}-new")
                listed = listing("Your conversations", f"{name}-list")
            with gr.Column(scale=6, min_width=320, elem_classes="dh-middle"):
                chat = gr.Chatbot(
                    elem_id=f"{name}-chat",
                    elem_classes="dh-chat",
                    show_label=False,
                    label=f"{self._app.title} chat",
                    height="var(--dh-chat-height)",
                    # Text is escaped in `_message` and stays as it was written.
                    render_markdown=False,
                    sanitize_html=True,
                    allow_tags=False,
                    latex_delimiters=[],
                    layout="bubble",
                    buttons=[],
                    group_consecutive_messages=False,
                    allow_file_downloads=False,
                    placeholder=f"### {escape(self._app.title)}\nHow can I help? You could ask:",
                    examples=[{"text": example} for example in self._app.examples],
                )
                with gr.Row(elem_classes="dh-compose"):
                    box = gr.Textbox(
                        label="Your message",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=6,
                        placeholder="Write a message…",
                        max_length=MAX_SENT_CHARS,
                        scale=8,
                        min_width=160,
                        elem_id=f"{name}-message",
                        elem_classes="dh-box",
                    )
                    send = gr.Button(
                        "Send", variant="primary", scale=0, min_width=84, elem_id=f"{name}-send"
                    )
            with gr.Column(
                scale=4, min_width=300, elem_classes="dh-panel-column", visible=self._explain
            ):
                panel = gr.HTML(NOTHING_YET, elem_id=f"{name}-panel", apply_default_css=False)
        opened = [current, chat, panel, listed]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        sending: dict[str, Any] = {
            # What is sent while an answer still grows waits for its end; Gradio would drop it.
            "trigger_mode": "always_last",
            "api_visibility": "private",
            "show_progress": "minimal",
            "show_progress_on": chat,
        }
        page.load(self.begin, None, opened, **quiet)
        after = [*opened, draft, box]
        typed = gr.on([box.submit, send.click], self.send, [box, current, draft], after,
                      js=with_draft(name, 2), **sending)  # fmt: skip
        pressed: dict[str, Any] = {"js": with_draft(name, 1), **sending}
        choice = chat.option_select(self.send_choice, [current, draft], after, **pressed)
        example = chat.example_select(self.send_example, [current, draft], after, **pressed)
        for sent in (typed, choice, example):
            sent.success(None, [draft], js=answered(name))
        chat.like(self.rate, [current], None, **quiet)
        chat.select(self.explain, [current], [panel], **quiet)
        listed.input(self.open, [listed], opened, **quiet).then(None, js=_CLOSE_LIST)
        begun_anew = new.click(self.new, None, opened, **quiet)
        begun_anew.then(None, js=_CLOSE_LIST).then(None, js=answered(name))
        toggle.click(None, js=_TOGGLE_LIST)

    def begin(self, request: gr.Request) -> tuple[Any, ...]:
        """The page was loaded: the visitor's latest conversation, with its turns."""
        owner = owner_of(request)
        return self._tried(owner, lambda: self._latest(owner))

    def open(self, conversation: str | None, request: gr.Request) -> tuple[Any, ...]:
        """A conversation was chosen from the list."""
        owner = owner_of(request)
        return self._tried(owner, lambda: self._owned(owner, conversation))

    def new(self, request: gr.Request) -> tuple[Any, ...]:
        """An empty conversation; it is stored with its first turn."""
        return self._tried(owner_of(request), lambda: None)

    def send(
        self, text: str, conversation: str | None, request: gr.Request, draft: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """What the visitor wrote at once, the answer as it grows, then how it came about.

        A message that comes again with the draft's id of the first time is shown its answer.
        """
        text = (text or "")[:MAX_SENT_CHARS]
        if not text.strip():
            yield (gr.skip(),) * 6
            return
        owner = owner_of(request)
        turns: list[StoredTurn] = []
        asked = [_message("customer", text)]
        try:
            current = self._owned(owner, conversation) or begun(
                self._store, owner, self._name, draft
            )
            turns = self._store.turns(current)
            asked = [*_said(turns), *asked]
            waiting = [*asked, _message("agent", WAITING)]
            yield current, _chat(waiting, turns), gr.skip(), gr.skip(), "", ""
            for answer, turn_id in exchange(
                self._app, self._store, current, text, message_id(draft, text)
            ):
                if turn_id is None:
                    grown = [*asked, _message("agent", answer.text)]
                    yield gr.skip(), _chat(grown, turns), *(gr.skip(),) * 4
            opened = self._opened(owner, current)
        except Exception as error:  # whatever app and store do, the visitor reads a polite line
            note(self._name, error)
            yield (
                gr.skip(),
                _chat([*asked, _message("agent", SORRY)], turns),
                gr.skip(),
                gr.skip(),
                KEPT,
                text,
            )
            return
        yield (*opened, "", gr.skip())

    def send_example(
        self, conversation: str | None, data: gr.SelectData, request: gr.Request, draft: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """An example was chosen: as if it had been written."""
        chosen = data.value.get("text") if isinstance(data.value, dict) else None
        yield from self.send(
            chosen if isinstance(chosen, str) else "", conversation, request, draft
        )

    def send_choice(
        self, conversation: str | None, data: gr.SelectData, request: gr.Request, draft: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """A button under an answer was pressed: as if its text had been written.

        Where that answer is not the last one any more, the conversation is shown as it is: another
        tab went on with it, and the button is no word on what was asked there.
        """
        turn, _, chosen = data.value.partition(":") if isinstance(data.value, str) else ("",) * 3
        owner = owner_of(request)
        try:
            current = self._owned(owner, conversation)
            turns = self._store.turns(current) if current else []
            stale = not turns or turn != str(turns[-1].id)
        except Exception as error:  # the store may fail in many ways
            note(self._name, error)
            yield (
                gr.skip(),
                _chat([_message("agent", SORRY)], ()),
                *(gr.skip(),) * 2,
                KEPT,
                gr.skip(),
            )
            return
        if stale:
            yield (*self._tried(owner, lambda: current), "", gr.skip())
            return
        yield from self.send(chosen, conversation, request, draft)

    def rate(self, conversation: str | None, data: gr.LikeData, request: gr.Request) -> None:
        """A thumb was set, or taken back."""
        owner = owner_of(request)
        value = {True: 1, False: -1}.get(data.liked, 0) if isinstance(data.liked, bool) else 0
        try:
            turn = self._turn_at(owner, conversation, data.index)
            if turn is not None:
                self._store.thumb(owner, turn.id, value)
        except Exception as error:  # the store may fail in many ways
            note(self._name, error)

    def explain(self, conversation: str | None, data: gr.SelectData, request: gr.Request) -> Any:  # noqa: ANN401 - HTML, or gradio's "leave it as it is"
        """A message was clicked: how that answer came about."""
        owner = owner_of(request)
        try:
            clicked = self._turn_at(owner, conversation, data.index)
            current = self._owned(owner, conversation)
            if clicked is None or current is None:
                return gr.skip()
            turns = self._store.turns(current)
        except Exception as error:  # the store may fail in many ways
            note(self._name, error)
            return polite(SORRY) if self._explain else gr.skip()
        at = next(place for place, turn in enumerate(turns) if turn.id == clicked.id)
        if clicked.turn.speaker == "customer":
            at = min(at + 1, len(turns) - 1)  # a question stands for its answer
        return self._explained(turns, at)

    def _latest(self, owner: str) -> str | None:
        mine = self._store.conversations(owner, self._name)
        return mine[0].id if mine else None

    def _owned(self, owner: str, conversation: str | None) -> str | None:
        """The conversation's id if it is this visitor's, else None."""
        if isinstance(conversation, str) and self._store.owns(owner, conversation):
            return conversation
        return None

    def _turn_at(self, owner: str, conversation: str | None, index: Any) -> StoredTurn | None:  # noqa: ANN401 - the browser's
        """The stored turn of a message; messages and turns have the same order."""
        place = index[0] if isinstance(index, (list, tuple)) and index else index
        current = self._owned(owner, conversation)
        if current is None or not isinstance(place, int):
            return None
        turns = self._store.turns(current)
        return turns[place] if 0 <= place < len(turns) else None

    def _tried(self, owner: str, which: Callable[[], str | None]) -> tuple[Any, ...]:
        """`_opened`, or a polite line where the store fails."""
        try:
            return self._opened(owner, which())
        except Exception as error:  # in many ways
            note(self._name, error)
            return gr.skip(), _chat([_message("agent", SORRY)], ()), gr.skip(), gr.skip()

    def _opened(self, owner: str, conversation: str | None) -> tuple[Any, ...]:
        """Values of the state, the chat, the panel and the list."""
        turns = self._store.turns(conversation) if conversation else []
        choices = [
            (_listed(mine), mine.id) for mine in self._store.conversations(owner, self._name)
        ]
        return (
            conversation,
            _chat(_shown(turns), turns),
            self._explained(turns, len(turns) - 1),
            gr.update(choices=choices, value=conversation),
        )

    def _explained(self, turns: Sequence[StoredTurn], at: int) -> str:
        """The panel of the answer at a place, for the customer's turn before it."""
        if not self._explain or not 0 <= at < len(turns):
            return NOTHING_YET
        question = turns[at - 1].turn.text if at > 0 else ""
        return explanation(question, turns[at].trace)


def _listed(mine: Listed) -> str:
    """How a conversation stands in the list: what was asked first, and below it when it ended."""
    return f"{mine.title}\n{mine.updated.replace(tzinfo=UTC).astimezone():%d %b %Y, %H:%M}"


def _shown(turns: Sequence[StoredTurn]) -> list[dict[str, Any]]:
    """The messages; the last one has its choices as buttons."""
    messages = _said(turns)
    choices = turns[-1].trace.get("choices") if turns else None
    if choices:
        turn = turns[-1].id  # which answer the button stands under
        messages[-1]["options"] = [{"value": f"{turn}:{each}", "label": each} for each in choices]
    return messages


def _said(turns: Sequence[StoredTurn]) -> list[dict[str, Any]]:
    """The messages without buttons: the question was answered."""
    return [_message(stored.turn.speaker, stored.turn.text) for stored in turns]


def _message(speaker: Speaker, text: str) -> dict[str, Any]:
    """A chat message, escaped: the browser reads it as HTML. Gradio would trim a plain str."""
    content = [{"type": "text", "text": escape(text, quote=False)}]
    return {"role": _ROLE_OF_SPEAKER[speaker], "content": content}


def _chat(messages: list[dict[str, Any]], turns: Sequence[StoredTurn]) -> dict[str, Any]:
    thumbs = [_FEEDBACK_OF_THUMB.get(t.thumb) for t in turns if t.turn.speaker == "agent"]
    answers = sum(message["role"] == "assistant" for message in messages)
    feedback = [*thumbs, *[None] * (answers - len(thumbs))]
    update: dict[str, Any] = gr.update(value=messages, feedback_value=feedback)
    return update
