"""The chat and FAQ tabs, without a browser."""

import re
from types import SimpleNamespace

import gradio as gr
import pytest

from apps.store import Store
from apps.web.chat_tab import SORRY, ChatTab
from apps.web.draft import KEPT
from apps.web.faq_tab import FaqTab
from apps.web.panel import NOTHING_YET
from data.schema import Answer
from tests.fakes import EVIL, EchoApp

ME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path}/page.db")


@pytest.fixture
def tab(store):
    return ChatTab("echo", EchoApp(), store)


def request(owner):
    return SimpleNamespace(cookies={"deskhand": owner})


def said(update):
    return [message["content"][0]["text"] for message in update["value"]]


def button(outputs, label):
    """The click on a button under the last answer."""
    options = outputs[1]["value"][-1]["options"]
    return SimpleNamespace(value=next(o["value"] for o in options if o["label"] == label))


def asked(tab, text, conversation=None, owner=ME):
    """The outputs of the last step of sending."""
    steps = list(tab.send(text, conversation, request(owner)))
    return steps[0][0], steps


def test_a_message_is_shown_at_once_and_the_answer_grows(tab, store):
    conversation, steps = asked(tab, "FK-1 please")
    assert said(steps[0][1]) == ["FK-1 please", "…"]
    assert said(steps[1][1]) == ["FK-1 please", "You said"]
    assert said(steps[-1][1]) == ["FK-1 please", "You said FK-1 please"]
    assert "<mark" in steps[-1][2]
    ((shown, identity),) = steps[-1][3]["choices"]
    assert re.fullmatch(r"FK-1 please\n\d\d \w{3} \d{4}, \d\d:\d\d", shown)
    assert identity == conversation
    assert store.owns(ME, conversation)


def test_choices_are_buttons_under_the_last_answer_and_gone_once_it_is_answered(store):
    class Asking(EchoApp):
        def answer(self, conversation, state):
            yield Answer("Shall I?", choices=("Yes", "No"))

    tab = ChatTab("ask", Asking(), store)
    conversation, steps = asked(tab, "do it")
    assert [o["label"] for o in steps[-1][1]["value"][-1]["options"]] == ["Yes", "No"]
    again = list(tab.send_choice(conversation, button(steps[-1], "Yes"), request(ME)))
    assert "options" not in str(again[0][1]["value"])
    assert said(again[-1][1])[2] == "Yes"
    assert str(again[-1][1]["value"]).count("options") == 1


def test_a_button_under_an_answer_that_is_not_the_last_one_any_more_says_nothing(store):
    class Asking(EchoApp):
        def answer(self, conversation, state):
            yield Answer(f"Shall I {conversation.turns[-1].text}?", choices=("Yes", "No"))

    tab = ChatTab("ask", Asking(), store)
    conversation, steps = asked(tab, "cancel 1")
    asked(tab, "cancel 2", conversation)  # in another tab
    (shown,) = tab.send_choice(conversation, button(steps[-1], "Yes"), request(ME))
    assert said(shown[1])[-1] == "Shall I cancel 2?"
    assert shown[4] == "", "the next message has an id of its own"
    for value in ("Yes", ":Yes", "x:Yes", None, 3):
        list(tab.send_choice(conversation, SimpleNamespace(value=value), request(ME)))
        list(tab.send_choice(None, SimpleNamespace(value=value), request(ME)))
    assert len(store.turns(conversation)) == 4
    assert len(store.conversations(ME, "ask")) == 1


def test_where_customers_read_it_nothing_tells_how_an_answer_came_about(store):
    tab = ChatTab("echo", EchoApp(), store, explain=False)
    conversation, steps = asked(tab, "FK-1 please")
    assert steps[-1][2] == tab.begin(request(ME))[2] == NOTHING_YET
    assert tab.explain(conversation, SimpleNamespace(index=1), request(ME)) == NOTHING_YET
    *_, (_, _, sources, *_) = FaqTab("faq", EchoApp(), store, explain=False).ask(
        "one", None, request(ME)
    )
    assert "faq.csv:1" in sources
    assert "Time" not in sources


def test_html_in_a_message_is_text(tab):
    _, steps = asked(tab, EVIL)
    assert all("<" not in text for text in said(steps[-1][1]))


def test_a_reload_opens_the_latest_conversation_again(tab):
    asked(tab, "first")
    second, _ = asked(tab, "second")
    current, chat, panel, listed = tab.begin(request(ME))
    assert current == second == listed["value"]
    assert said(chat) == ["second", "You said second"]
    assert len(listed["choices"]) == 2
    assert "track order" in panel
    assert tab.begin(request(OTHER))[0] is None


def test_a_page_that_knows_of_no_conversation_does_not_go_on_with_one(tab):
    mine, _ = asked(tab, "first")
    for unknown in (None, "", "latest"):
        assert asked(tab, "yes", unknown)[0] != mine


def test_a_new_conversation_is_empty_and_keeps_the_others(tab):
    asked(tab, "first")
    current, chat, panel, listed = tab.new(request(ME))
    assert (current, said(chat), panel) == (None, [], NOTHING_YET)
    assert len(listed["choices"]) == 1


def test_another_visitors_conversation_is_neither_opened_nor_written_to(tab, store):
    mine, _ = asked(tab, "my secret")
    assert tab.open(mine, request(OTHER))[0] is None
    theirs, steps = asked(tab, "let me in", mine, OTHER)
    assert theirs != mine
    assert "my secret" not in str(steps)
    click = SimpleNamespace(index=1, value="", liked=True)
    assert tab.explain(mine, click, request(OTHER)) == gr.skip()
    tab.rate(mine, click, request(OTHER))
    assert [stored.thumb for stored in store.turns(mine)] == [0, 0]


@pytest.mark.parametrize(("liked", "thumb"), [(True, 1), (False, -1), ("", 0)])
def test_a_thumb_is_stored_on_the_turn_and_shown_again(tab, store, liked, thumb):
    mine, _ = asked(tab, "one")
    asked(tab, "two", mine)
    tab.rate(mine, SimpleNamespace(index=3, liked=liked), request(ME))
    assert [stored.thumb for stored in store.turns(mine)] == [0, 0, 0, thumb]
    shown = {1: "Like", -1: "Dislike", 0: None}[thumb]
    assert tab.begin(request(ME))[1]["feedback_value"] == [None, shown]


@pytest.mark.parametrize("index", [99, -1, None, "1", [], {"a": 1}])
def test_a_click_on_nothing_changes_nothing(tab, index):
    mine, _ = asked(tab, "one")
    click = SimpleNamespace(index=index, liked=True)
    tab.rate(mine, click, request(ME))
    assert tab.explain(mine, click, request(ME)) == gr.skip()


def test_a_click_explains_that_answer(tab):
    mine, _ = asked(tab, "FK one")
    asked(tab, "GH two", mine)
    for index in (0, 1):
        assert "FK" in tab.explain(mine, SimpleNamespace(index=index), request(ME))


def test_a_failing_app_says_sorry_and_gives_the_words_back(tab, store, caplog):
    _, steps = asked(tab, "fail with my address")
    assert said(steps[-1][1])[-1] == SORRY
    assert steps[-1][-1] == "fail with my address"
    assert "RuntimeError" in caplog.text
    assert "address" not in caplog.text
    assert store.conversations(ME, "echo") == []


class Broken(Store):
    """Fails from the moment that it is told to, as one on a full disk does."""

    fails = False

    def __getattribute__(self, name):
        if name in ("turns", "conversations", "record", "thumb") and self.fails:
            raise OSError("secret: no space left")
        return super().__getattribute__(name)


def test_a_failing_store_is_a_polite_line_everywhere(tmp_path, caplog):
    store = Broken(f"sqlite:///{tmp_path}/broken.db")
    tab, faq = ChatTab("echo", EchoApp(), store), FaqTab("faq", EchoApp(), store)
    conversation, _ = asked(tab, "one")
    store.fails = True
    for shown in (
        tab.begin(request(ME)),
        tab.open(conversation, request(ME)),
        *tab.send_choice(conversation, SimpleNamespace(value="2:Yes"), request(ME)),
        asked(tab, "two", conversation)[1][-1],
    ):
        assert said(shown[1])[-1] == SORRY
    click = SimpleNamespace(index=1, value="", liked=True)
    tab.rate(conversation, click, request(ME))
    assert SORRY in tab.explain(conversation, click, request(ME))
    *_, (_, answer, *_) = faq.ask("one", None, request(ME))
    assert SORRY in answer
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text


def test_a_draft_is_kept_until_its_answer_has_come(tab, store):
    faq = FaqTab("faq", EchoApp(), store)
    for text, kept in (("fail", KEPT), ("fine", "")):
        assert asked(tab, text)[1][-1][-2] == kept
        *_, (*_, draft) = faq.ask(text, None, request(ME))
        assert draft == kept


def test_the_faq_tab_answers_with_its_sources_and_says_sorry(store):
    tab = FaqTab("faq", EchoApp(), store)
    *_, (_, answer, sources, *_) = tab.ask(EVIL, None, request(ME))
    assert "You said &lt;img" in answer
    assert "<img" not in answer + sources
    assert "faq.csv:1" in sources
    *_, (_, answer, *_) = tab.ask("fail", None, request(ME))
    assert SORRY in answer


def test_related_questions_are_buttons_and_gone_when_there_are_none(store):
    class Related(EchoApp):
        def answer(self, conversation, state):
            yield Answer("Yes.", related=("a?", "b?") if len(conversation.turns) == 1 else ())

    tab = FaqTab("faq", Related(), store)
    *_, (current, *_), (_, _, _, *chips, _) = tab.ask("one", None, request(ME))
    assert [(chip["value"], chip["visible"]) for chip in chips] == [
        ("a?", True), ("b?", True), ("", False),
    ]  # fmt: skip
    *_, (_, _, _, *chips, _) = tab.ask("two", current, request(ME))
    assert not any(chip["visible"] for chip in chips)


def test_a_message_that_comes_twice_with_one_id_is_answered_once(store):
    class Acting(EchoApp):
        calls = 0

        def answer(self, conversation, state):
            self.calls += 1
            yield Answer(f"Done {self.calls}", choices=("Again",))

    app = Acting()
    tab = ChatTab("act", app, store)
    first, draft = "1" * 32, "2" * 32
    *_, shown = tab.send("hello", None, request(ME), first)
    current, again = shown[0], button(shown, "Again")
    for _ in range(2):
        *_, (_, chat, *_) = tab.send_choice(current, again, request(ME), draft)
        assert said(chat) == ["hello", "Done 1", "Again", "Done 2"]
    assert app.calls == 2
    list(tab.send("other words", current, request(ME), draft))
    assert app.calls == 3, "another text is another message"
    for unknown in ("", None, 3, "x" * 32, "' OR 1"):
        list(tab.send("hello", current, request(ME), unknown))
    assert app.calls == 8, "without an id of ours each is a message"
    faq = FaqTab("faq", app, store)
    *_, (current, *_), _ = faq.ask("one", None, request(ME), first)
    list(faq.ask("one", current, request(ME), first))
    assert app.calls == 9


def test_the_first_message_of_a_conversation_that_comes_again_begins_no_second_one(tab, store):
    draft = "1" * 32
    first = list(tab.send("hello", None, request(ME), draft))[0][0]
    again = list(tab.send("hello", None, request(ME), draft))[0][0]
    assert again == first
    assert len(store.turns(first)) == 2
    other = list(tab.send("hello", None, request(OTHER), draft))[0][0]
    assert other != first
    assert [len(store.turns(each)) for each in (first, other)] == [2, 2]


def test_an_id_of_another_conversation_is_no_way_to_its_answer(tab, store):
    draft = "1" * 32
    asked_mine = list(tab.send("my FK-1", None, request(ME), draft))
    theirs = list(tab.send("my FK-1", asked_mine[0][0], request(OTHER), draft))
    assert theirs[0][0] != asked_mine[0][0]
    assert len(store.turns(theirs[0][0])) == 2


def test_a_request_that_passed_no_middleware_is_refused(tab):
    with pytest.raises(PermissionError):
        tab.begin(SimpleNamespace(cookies={}))
