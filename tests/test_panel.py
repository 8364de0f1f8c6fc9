"""What the page shows of an answer, and the summaries' tab: escaped, marked, in words."""

import pytest

from apps.summarizer.summarizer import Summary
from apps.web.chat_tab import SORRY
from apps.web.panel import NOTHING_YET, explanation, highlighted, step_in_words, times_html
from apps.web.paste import EXAMPLE, parse_conversation
from apps.web.summary_tab import SummaryTab
from data.errors import LogFormatError
from data.schema import Entity

EVIL = "<img src=x onerror=alert(1)>"


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
