import asyncio
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from apps.store import Store
from apps.summarizer.summarizer import Summary
from apps.web.chat_tab import LATEST, SORRY, ChatTab
from apps.web.faq_tab import FaqTab
from apps.web.page import build_page
from apps.web.panel import NOTHING_YET, explanation, highlighted, step_in_words, times_html
from apps.web.paste import EXAMPLE, parse_conversation
from apps.web.server import create_server
from apps.web.summary_tab import SummaryTab
from apps.web.visitor import VisitorCookie, visitor
from data.errors import LogFormatError
from data.schema import Answer, Entity, Intent, Passage

EVIL = "<img src=x onerror=alert(1)>"
ME, OTHER = "a" * 32, "b" * 32


class EchoApp:
    """Says a question back, word by word."""

    title = "Echo"
    examples = ("Where is my order?",)

    def answer(self, conversation, state):
        text = conversation.turns[-1].text
        if "fail" in text:
            raise RuntimeError(f"secret: {text}")
        yield Answer("You said")
        yield Answer(
            f"You said {text}",
            passages=(
                Passage("p", f"text {EVIL}", f"title {EVIL}", f"faq.csv:1 {EVIL}", score=0.5),
            ),
            intent=Intent("track_order", 0.87),
            entities=(Entity("order_number", text[:2], 0, 2),),
            step="select:faq",
            ms={"search": 3.0, "total": 4.0},
            state={"n": state.get("n", 0) + 1},
        )


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


def asked(tab, text, conversation=None, owner=ME):
    """The outputs of the last step of sending."""
    steps = list(tab.send(text, conversation, request(owner)))
    return steps[0][0], steps


# The panel


def trace(**changes):
    return {
        "text": "…", "intent": "track_order", "confidence": 0.87, "entities": [], "passages": [],
        "hand_over": False, "reason": None, "step": "faq", "ms": {"search": 1.0, "total": 2.0},
    } | changes  # fmt: skip


def test_the_panel_escapes_everything_that_came_from_outside():
    entity = {"type": EVIL, "text": "my", "start": 0, "end": 2, "confidence": 0.9}
    passage = {"id": EVIL, "text": EVIL, "title": EVIL, "source": EVIL, "score": 0.9}
    html = explanation(
        f"my {EVIL}",
        trace(intent=EVIL, entities=[entity], passages=[passage], reason=EVIL, hand_over=True,
              step=EVIL, ms={EVIL: 1.0}),
    )  # fmt: skip
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 8


def test_entities_are_marked_where_they_stand_with_a_legend():
    entities = [
        {"type": "product", "text": "kettle", "start": 9, "end": 15, "confidence": 0.8},
        {"type": "order_number", "text": "FK-1", "start": 21, "end": 25, "confidence": 1.0},
    ]
    html = highlighted("My <old> kettle from FK-1", entities)
    assert ">kettle</mark> from <mark" in html
    assert ">FK-1</mark></blockquote>" in html
    assert "My &lt;old&gt; <mark" in html
    assert "order number</li>" in html


def test_entities_that_overlap_or_lie_outside_the_message_are_left_out():
    entities = [
        {"type": "a", "start": 0, "end": 4},
        {"type": "b", "start": 2, "end": 6},
        {"type": "c", "start": 5, "end": 99},
    ]
    assert highlighted("abcdef", entities).count("<mark") == 1


def test_two_types_in_one_message_have_two_colours():
    entities = [{"type": f"t{i}", "start": i, "end": i + 1} for i in range(8)]
    html = highlighted("abcdefgh", entities)
    assert all(f'class="dh-c{colour}"' in html for colour in range(8))


def test_offsets_count_in_the_message_without_control_characters():
    assert ">FK</mark>" in highlighted("\x00  FK", [{"type": "order", "start": 0, "end": 2}])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            "workflow:return_item:ask:order_number",
            "Workflow “return item”: asked for order number.",
        ),
        ("workflow:return_item:confirm", "a yes before changing"),
        ("workflow:track_order:answer:ok", "done"),
        ("select:faq", "best entry of the FAQ"),
        ("generate", "Wrote an answer"),
        ("generate:guard", "Held a written answer back"),
        ("generate:timeout", "No answer could be written (timeout)"),
        ("hand_over", "Handed the conversation over"),
        ("my_step", "Step “my step”."),
        ("", "Not recorded."),
    ],
)
def test_a_step_is_told_in_words(step, words):
    assert words in step_in_words(step)


def test_a_hand_over_has_a_badge_with_its_reason():
    html = explanation("hi", trace(hand_over=True, reason="asked_for_person", step="hand_over"))
    assert "<b>Handed over</b>: the customer asked for a person." in html
    assert "dh-handover" not in explanation("hi", trace())


def test_a_colleagues_summary_is_a_card_with_what_was_said_escaped():
    html = explanation("hi", trace(hand_over=True, summary=f"Wants: cancel: order\nKnown: {EVIL}"))
    assert "<dt>Wants</dt><dd>cancel: order</dd>" in html
    assert "<img" not in html
    assert "dh-card" not in explanation("hi", trace())


def test_a_source_on_the_web_opens_in_a_tab_of_its_own_and_no_other_does():
    passage = {"id": "a", "text": "a", "title": "a", "source": 'https://a.example/"x', "score": 0.9}
    html = explanation("hi", trace(passages=[passage]))
    assert '<a href="https://a.example/&quot;x" target="_blank" rel="noopener noreferrer">' in html
    passage["source"] = "javascript:alert(1)"
    assert "<a " not in explanation("hi", trace(passages=[passage]))


def test_a_turn_without_a_trace_has_the_invitation():
    assert explanation("hi", {}) == NOTHING_YET


def test_times_are_parts_of_the_total():
    html = times_html({"search": 1.0, "total": 4.0})
    assert "width:25.0%" in html
    assert "4.0 ms" in html
    assert "width:0.0%" in times_html({"search": 0.0, "total": 0.0})


# The pasted conversation


def test_pasted_lines_become_turns_and_other_lines_go_on():
    turns = parse_conversation("Chat of 3 May\nCUSTOMER: hi\nagain\n[10:02] agent : hello\n").turns
    assert [(turn.speaker, turn.text) for turn in turns] == [
        ("customer", "hi\nagain"),
        ("agent", "hello"),
    ]


def test_the_example_parses():
    assert len(parse_conversation(EXAMPLE).turns) == 5


@pytest.mark.parametrize("text", ["", "  \n", "hello there", "Customer:\nAgent:  ", "x" * 200_001])
def test_what_is_no_conversation_gets_a_polite_line(text):
    with pytest.raises(LogFormatError, match=r"[Pp]lease"):
        parse_conversation(text)


def test_the_summary_tab_shows_the_summary_escaped_or_a_polite_line(caplog):
    def summarize(conversation):
        if "fail" in conversation.turns[0].text:
            raise RuntimeError("secret")
        return Summary(
            conversation.turns[0].text, "", "Solved.", (Entity("order", EVIL, 0, 9),), "all"
        )

    tab = SummaryTab(summarize)
    html = tab.summarize(f"Customer: {EVIL}")
    assert "<img" not in html
    assert "Solved." in html
    assert "Nothing found." in html
    assert "Customer:" in tab.summarize("hello")
    assert SORRY in tab.summarize("Customer: fail")
    assert "secret" not in caplog.text


# The chat


def test_a_message_is_shown_at_once_and_the_answer_grows(tab, store):
    conversation, steps = asked(tab, "FK-1 please")
    assert said(steps[0][1]) == ["FK-1 please", "…"]
    assert said(steps[1][1]) == ["FK-1 please", "You said"]
    assert said(steps[-1][1]) == ["FK-1 please", "You said FK-1 please"]
    assert "<mark" in steps[-1][2]
    assert steps[-1][3]["choices"] == [("FK-1 please", conversation)]
    assert store.owns(ME, conversation)


def test_choices_are_buttons_under_the_last_answer_and_gone_once_it_is_answered(store):
    class Asking(EchoApp):
        def answer(self, conversation, state):
            yield Answer("Shall I?", choices=("Yes", "No"))

    tab = ChatTab("ask", Asking(), store)
    conversation, steps = asked(tab, "do it")
    assert [o["value"] for o in steps[-1][1]["value"][-1]["options"]] == ["Yes", "No"]
    again = list(tab.send_choice(conversation, SimpleNamespace(value="Yes"), request(ME)))
    assert "options" not in str(again[0][1]["value"])
    assert said(again[-1][1])[2] == "Yes"
    assert str(again[-1][1]["value"]).count("options") == 1


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


def test_a_page_that_outlived_the_server_goes_on_with_the_latest(tab):
    mine, _ = asked(tab, "first")
    _, steps = asked(tab, "second", LATEST)
    assert said(steps[-1][1])[0] == "first"
    assert asked(tab, "hello", LATEST, OTHER)[0] != mine


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
    *_, (current, *_), (_, _, _, *chips) = tab.ask("one", None, request(ME))
    assert [(chip["value"], chip["visible"]) for chip in chips] == [
        ("a?", True), ("b?", True), ("", False),
    ]  # fmt: skip
    *_, (_, _, _, *chips) = tab.ask("two", current, request(ME))
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
    *_, (current, *_) = tab.send("hello", None, request(ME), first)
    for _ in range(2):
        *_, (_, chat, *_) = tab.send_choice(
            current, SimpleNamespace(value="Again"), request(ME), draft
        )
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


# The server


@pytest.fixture
def client(store):
    async def build():
        page = build_page({"customer_service": EchoApp(), "faq": EchoApp()}, lambda _: None, store)
        return create_server(page)

    # Where no event loop runs, gradio makes some and never closes them.
    return TestClient(asyncio.run(build()))


def test_health_answers_without_a_cookie(client):
    answer = client.get("/health")
    assert answer.json() == {"status": "ok"}
    assert "set-cookie" not in answer.headers


def test_the_page_comes_with_a_cookie_that_no_script_reads(client):
    answer = client.get("/")
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert visitor(cookie.split(";")[0])
    assert "set-cookie" not in client.get("/").headers


def test_the_page_loads_nothing_from_elsewhere(client):
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert not config["stylesheets"]
    assert "http" not in client.get("/theme.css").text.replace("http://www.w3.org", "")


@pytest.mark.parametrize("forged", ["x", "a" * 31, "a" * 33, "a" * 31 + "/", ""])
def test_a_cookie_that_we_did_not_give_is_replaced(client, forged):
    answer = client.get("/config", headers={"cookie": f"theme={{'a': 1}}; deskhand={forged}"})
    assert visitor(answer.headers["set-cookie"].split(";")[0])


def test_the_cookie_of_another_program_on_this_host_does_no_harm():
    assert visitor(f'session={{"a": "b,c"}}; deskhand={ME}; x') == ME


async def _stream(scope, receive, send):
    async def parts():
        yield scope_cookie(scope)
        yield b"two"

    await StreamingResponse(parts())(scope, receive, send)


def scope_cookie(scope):
    return next(value for name, value in scope["headers"] if name == b"cookie")


def test_a_new_visitors_first_request_is_theirs_already_and_streams():
    with TestClient(VisitorCookie(_stream)).stream("GET", "/") as answer:
        parts = list(answer.iter_raw())
    assert parts[0].decode() == answer.headers["set-cookie"].split(";")[0]
    assert parts[-1].endswith(b"two")
