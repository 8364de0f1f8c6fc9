"""The answer guard: figures, marks, names and promises must stand somewhere."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.guard import check
from apps.guard.figures import values
from apps.guard.injected import speaks_to_machine
from benchmarks.guard import by_digits, by_guard, parts, rows_of
from data.schema import Passage
from retrieval.passages import read_passages

SAMPLES = Path("data/samples")
DELIVERY = Passage(
    "faq-001",
    "Standard delivery costs £3.95, is free from £50 and takes 3 to 5 working days. "
    "Express costs £7.95.",
    "How much does delivery cost?",
)
BROKEN = Passage(
    "faq-022",
    "Tell us within 7 days and send a photo of the damage. We will send a replacement or refund "
    "you. You need not send back items under £20.",
    "My item arrived damaged. What should I do?",
)


def kinds(answer, *passages, said=(), facts=None, **more):
    return {each.kind for each in check(answer, passages, said, facts or {}, **more)}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("two weeks", "14 days"),
        ("24 months", "2 years"),
        ("an hour", "60 minutes"),
        ("half an hour", "30 minutes"),
        ("five pounds", "£5.00"),
        ("4 quid", "GBP 4"),
        ("two pounds ninety-five", "£2.95"),
        ("ten per cent", "10%"),
        ("a quarter off", "25% off"),
        ("30 April", "April 30th"),
        ("the 30th of April 2026", "2026-04-30"),
        ("30/04/2026", "30 Apr 2026"),
        ("5pm", "17:00"),
        ("half past four in the afternoon", "16:30"),
        ("3天", "三天"),
        ("五个工作日", "5 working days"),
        ("下午五点", "17:00"),
        ("4月30日", "30 April"),
        ("a hundred and twenty", "120"),
    ],
)
def test_a_value_is_the_same_in_every_writing(text, other):
    assert check(f"It is {text}.", [Passage("p", f"It is {other}.")], (), {}) == ()


@pytest.mark.parametrize(
    ("text", "other", "kind"),
    [
        ("14 working days", "14 days", "number"),
        ("14 weeks", "14 days", "number"),
        ("£14", "14%", "price"),
        ("5am", "17:00", "time"),
        ("30 May", "30 April", "date"),
        ("30 April 2025", "30 April 2026", "date"),
        ("under £20", "over £20", "price"),
        ("五天", "五个工作日", "number"),
    ],
)
def test_another_unit_day_or_limit_is_another_value(text, other, kind):
    assert kinds(f"It is {text}.", Passage("p", f"It is {other}.")) == {kind}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("We have sets of four to six, and our team will be there for you.",
         "A set has from four to six bowls."),
        ("Sizes 2-4, call us for others.", "We have sizes 2, 3 and 4 on the shelf."),
        ("Pick a size from two to four. The shop is open daily.",
         "Sizes from two to four fit most. The shop is open daily."),
    ],
)  # fmt: skip
def test_a_range_of_things_is_no_range_of_hours(answer, told):
    assert "time" not in {value.kind for value in values(answer)}
    assert "time" not in kinds(answer, Passage("p", told))


@pytest.mark.parametrize(
    "answer", ["Call us nine to five.", "We are open from nine to five.", "Hours: nine till five."]
)
def test_hours_that_the_passage_writes_in_digits_may_be_told_in_words(answer):
    told = "We are open and answer calls from {}:00 to {}:00."
    assert kinds(answer, Passage("p", told.format(9, 17))) == set()
    assert kinds(answer, Passage("p", told.format(8, 16))) == {"time"}


def test_a_range_gives_its_unit_to_both_its_ends():
    found = values("between 3 and 5 weeks, or 10 to 250 pounds")
    assert [(value.unit, str(value.said)) for value in found] == [
        ("minute", "3"), ("minute", "5"), ("£", "10"), ("£", "250"),
    ]  # fmt: skip


def test_the_price_of_another_thing_in_the_same_passage_is_found():
    finding = check("Express costs £3.95.", [DELIVERY], (), {})[0]
    assert (finding.kind, finding.text, finding.why) == (
        "price", "£3.95", "the sources say it of something else",
    )  # fmt: skip
    assert check("Express is £7.95.", [DELIVERY], (), {}) == ()


def test_a_finding_tells_where_it_stands():
    answer = "You may pay on 3 March."
    found = check(answer, [DELIVERY], (), {})[0]
    assert answer[found.start : found.end] == found.text == "3 March"


def test_the_customers_words_back_values_but_no_promise_and_no_link():
    said = ["I paid £45 for FK-204881 and want it refunded, see https://evil.example/x"]
    assert kinds("You paid £45 for order FK-204881.", said=said) == set()
    assert "promise" in kinds("We will refund you £45.", said=said)
    assert kinds("See https://evil.example/x", said=said) == {"link"}


def test_what_was_done_must_have_been_done_by_an_action():
    answer = "I have cancelled order FK-204881."
    said = ["cancel FK-204881"]
    assert kinds(answer, said=said) == {"promise"}
    assert kinds(answer, said=said, facts={"status": "cancelled"}) == set()


@pytest.mark.parametrize(
    "answer",
    [
        "I hope it arrives soon.",
        "I will pass this on to a colleague.",
        "Let me check that, one moment.",
        "I am sorry, we cannot refund that.",
        "Would you like a refund or a replacement?",
        "I cannot promise anything.",
        "I understand that you want compensation.",
    ],
)
def test_wishes_questions_and_refusals_are_no_promises(answer):
    assert check(answer, [], ["hello"], {}) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "We will give you a 20% discount.",
        "You will get compensation.",
        "I guarantee it.",
        "A new one is on the house.",
        "It will arrive tomorrow.",
        "You get a full refund for it.",
        "我们会赔偿您。",
    ],
)
def test_a_promise_that_no_passage_makes_is_found(answer):
    assert "promise" in kinds(answer, DELIVERY, said=["my bowl is broken"])


def test_a_promise_needs_the_case_that_the_passage_makes_it_for():
    voucher = Passage("v", "Write a review with a photo and we give you a £5 voucher.")
    assert kinds("You get a £5 voucher.", voucher, said=["the kettle leaks"]) == {"promise"}
    assert kinds("For a review with a photo you get a £5 voucher.", voucher) == set()
    assert kinds("We will replace it or refund you.", BROKEN, said=["it came damaged"]) == set()


def test_links_addresses_and_codes_are_compared_letter_by_letter():
    page = Passage(
        "p", "See https://shop.example/returns, a@shop.example or 020 7946 0100. Code AB12."
    )
    right = "See shop.example/returns/, A@shop.example or +44 20 79460100, code AB12."
    assert kinds(right, page) == set()
    for answer, kind in [
        ("See https://shop.example/return.", "link"),
        ("See https://shop.example.net/returns.", "link"),
        ("[here](javascript:alert(1))", "link"),
        ("<img src=x>", "link"),
        ("Write to b@shop.example.", "email"),
        ("Ring 020 7946 0101.", "phone"),
        ("Use code AB21.", "code"),
    ]:
        assert kind in kinds(answer, page), answer


def test_names_must_be_known_and_stay_with_their_things():
    kettle = Passage("k", "The Pebble kettle and the Moss mixer are electrical.")
    assert kinds("Your Pebble kettles are electrical.", kettle) == set()
    assert kinds("The Tarn wok is electrical.", kettle) == {"product"}
    assert kinds("The Moss fan is electrical.", kettle) == {"product"}


def test_a_sentence_of_the_instructions_is_found():
    system = "Answer from the passages only. Never tell anybody that the shop is about to close."
    told = "Never tell anybody that the shop is about to close"
    assert kinds(f"My rules: {told}!", system=system) == {"system"}
    assert kinds("We answer from what we know.", system=system) == set()
    assert kinds(told, Passage("p", told), system=system) == set()


def test_a_model_is_asked_about_each_claim_where_one_is_given():
    class Doubting:
        asked = ()

        def entails(self, premise, hypothesis):
            self.asked += (hypothesis,)
            return 0.9 if "Express" in hypothesis else 0.1

    model = Doubting()
    answer = (
        "Express delivery costs £7.95. Our shop is very old indeed. Is that all right with you?"
    )
    found = check(answer, [DELIVERY], (), {}, entailment=model)
    assert [each.kind for each in found] == ["unsupported"]
    assert model.asked == ("Express delivery costs £7.95.", "Our shop is very old indeed.")


def test_an_answer_too_long_to_be_checked_is_stopped():
    assert kinds("word " * 1000) == {"unsupported"}


def test_every_entry_of_the_faq_may_be_said_from_itself():
    entries = list(read_passages([SAMPLES / "faq.md", SAMPLES / "zh" / "faq.md"]))
    assert len(entries) == 100
    for entry in entries:
        assert check(entry.text, [entry], ["hello"], {}) == (), entry.text
        assert not speaks_to_machine(entry.text), entry.text


@pytest.mark.parametrize("part", ["development", "validation"])
def test_the_answers_seen_in_writing_are_told_apart_better_than_by_their_digits(part):
    rows = rows_of(part)
    right = [each for each in rows if not each["wrong"]]
    wrong = [each for each in rows if each["wrong"]]
    assert sum(bool(by_guard(each)) for each in right) <= 0.05 * len(right)
    assert sum(bool(by_guard(each)) for each in wrong) >= 0.9 * len(wrong)
    assert sum(bool(by_digits(each)) for each in wrong) < 0.9 * len(wrong)


def test_the_labelled_answers_have_each_their_own_id_and_text():
    rows = [row for name in parts() for row in rows_of(name)]
    assert len({row["id"] for row in rows}) == len({row["answer"] for row in rows}) == len(rows)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_checked_without_an_error(answer, passage):
    for found in check(answer, [Passage("p", passage)], [passage], {"fact": passage}):
        assert answer[found.start : found.end] == found.text


def test_a_long_run_of_digits_is_one_number_and_of_words_some():
    (found,) = values("take " + "1" * 3000 + " days")
    assert (found.start, found.end) == (5, 3010)
    assert len(values("take " + "one " * 100 + "days")) < 10
