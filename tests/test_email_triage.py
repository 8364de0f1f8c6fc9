"""Email triage: a mail in, what a colleague needs to know out."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps import serving
from apps.cli import app
from apps.config import app_config
from apps.email_triage.email_triage import EmailTriage, fresh, mail_of, triage_values
from apps.email_triage.urgency import urgency_of
from data.errors import ConfigError, LogFormatError
from data.schema import Conversation, Turn
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.test_bot import AGENT, LATE, WINDOW, KeywordIntents, OrderFinder

ROOT = Path(__file__).parents[1]
TEAMS = {"delivery_options": "logistics", "return_item": "returns"}
LATE_MAIL = "Is my parcel late?"


@pytest.fixture
def desk(tmp_path):
    index = build_index([LATE, WINDOW, AGENT], HashEncoder(), "hash", tmp_path / "index")
    index = index.refit(by_hand(0.5, 0.2))
    return EmailTriage(KeywordIntents(), OrderFinder(), index, TEAMS, "front desk")


def case(*turns):
    """Mails by turns: those that begin with > are the agent's."""
    return Conversation(
        "case",
        tuple(
            Turn("agent" if text.startswith(">") else "customer", text.removeprefix(">"))
            for text in turns
        ),
    )


def test_a_mail_gets_intent_entities_team_and_the_companys_answer(desk):
    found = desk.triage(mail_of(f"{LATE_MAIL} It is order FK-123456."))
    assert found.intent.name == "delivery_options"
    assert [entity.text for entity in found.entities] == ["FK-123456"]
    assert found.team == "logistics"
    assert found.answer is not None
    assert found.answer.id == "faq-1"
    assert (found.urgency, found.because) == ("normal", ())


def test_an_intent_without_a_line_in_the_table_goes_to_the_other_team(desk):
    assert desk.triage(mail_of("cancel it")).team == "front desk"


def test_a_mail_out_of_scope_gets_no_answer(desk):
    found = desk.triage(mail_of("what about the moon"))
    assert found.intent.name is None
    assert found.answer is None
    assert triage_values(found)["text"].endswith("Suggested answer: none")


def test_what_was_done_for_another_customer_is_not_suggested(desk):
    found = desk.triage(mail_of("my refund gift card is missing"))
    assert found.intent.name == "gift_card"
    assert found.answer is None


def test_a_reminder_is_about_the_mail_before_it(desk):
    found = desk.triage(case(LATE_MAIL, "Any news?"))
    assert found.intent.name == "delivery_options"
    assert found.answer is not None
    assert found.because == ("2 mails without an answer",)


def test_a_later_mail_with_a_wish_of_its_own_counts(desk):
    found = desk.triage(case(LATE_MAIL, ">It is.", "Then I want to send back all of it"))
    assert (found.intent.name, found.team) == ("return_item", "returns")


@pytest.mark.parametrize(
    ("mail", "urgency", "because"),
    [
        ("where is it", "normal", ()),
        ("This is URGENT, where is it", "high", ("urgent",)),
        ("This is not urgent, where is it", "low", ("not urgent",)),
        ("the plug began smoking", "high", ("smoking",)),
        ("this is unacceptable", "normal", ("unacceptable",)),
        ("this is unacceptable, the third time", "high", ("unacceptable", "third time")),
        ("no rush, but I am still waiting", "normal", ("still waiting",)),
        ("where is it!!", "normal", ("!!",)),
        ("we live in Burnley", "normal", ()),
    ],
)
def test_urgency_is_told_with_the_words_that_made_it_so(mail, urgency, because):
    assert urgency_of(case(mail)) == (urgency, because)


def test_repeated_mails_count_until_a_person_answers():
    assert urgency_of(case("hello", "hello?", "anybody!!"))[0] == "high"
    assert urgency_of(case("hello", "hello?", ">Hi.", "and now!!"))[0] == "normal"


def test_a_systems_message_is_no_answer():
    waiting = Turn("agent", "Ticket opened.", mark="system")
    mails = Conversation("c", (Turn("customer", "hello"), waiting, Turn("customer", "hello?")))
    assert urgency_of(mails)[1] == ("2 mails without an answer",)


def test_a_bad_rating_counts_and_a_good_one_does_not():
    assert urgency_of(Conversation("c", (Turn("customer", "bad!!"),), rating=1)) == (
        "high",
        ("!!", "rated 1 of 5"),
    )
    assert urgency_of(Conversation("c", (Turn("customer", "ok", rating=5),)))[0] == "normal"


def test_what_a_mail_quotes_makes_it_neither_urgent_nor_about_that(desk):
    mail = (
        f"{LATE_MAIL}\r\n\r\nOn Mon, 3 May 2027 at 10:00, Shop wrote:\r\n> URGENT: cancel FK-111111"
    )
    assert fresh(mail) == LATE_MAIL
    found = desk.triage(mail_of(mail))
    assert (found.intent.name, found.urgency) == ("delivery_options", "normal")
    assert found.entities == ()


def test_a_signature_is_cut_and_a_line_that_speaks_of_a_dash_is_not():
    assert fresh("Where is it -- please?\n-- \nJo, Legal Action Ltd") == "Where is it -- please?"


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        ("On Mon, 3 May 2027, Shop wrote:\n> Which model?\n\nThe K200.", "The K200."),
        ("From: jo@x.example\n\nWhere is it?", "Where is it?"),
        ("From: Jo <jo@x.example>\r\nSubject: URGENT\r\n\r\nWhere?", "URGENT\n\nWhere?"),
        ("From: here\nTo: there\nChange it.", "From: here\nTo: there\nChange it."),
        ("Where?\nFrom: s@x.example\nSent: Monday\nSubject: URGENT\n\nOld.", "Where?"),
    ],
)  # fmt: skip
def test_what_the_writer_wrote_is_kept_wherever_it_stands(mail, words):
    assert fresh(mail) == words


def test_a_mail_without_a_word_of_its_own_is_refused(desk):
    with pytest.raises(LogFormatError, match="no mail"):
        desk.triage(mail_of("> only a quote"))
    with pytest.raises(LogFormatError, match="no mail"):
        desk.triage(case(">We wrote first."))


def test_a_pasted_case_is_read_by_its_speakers_and_a_mail_that_names_one_later_is_not():
    assert len(mail_of("Customer: hi\nAgent: hello\nCustomer: late").turns) == 3
    assert len(mail_of("Hello,\nsupport: nobody answers").turns) == 1


def test_the_shipped_table_names_intents_of_the_samples():
    config, _ = app_config("email_triage")
    rows = (ROOT / "data/samples/turns/train.jsonl").read_text(encoding="utf-8").splitlines()
    labels = {json.loads(row)["label"] for row in rows}
    assert config.teams
    assert set(config.teams) <= labels


def test_ask_prints_the_triage_as_json(desk, monkeypatch):
    monkeypatch.setattr(serving, "build_triage", lambda config: desk)
    done = CliRunner().invoke(app, ["ask", "email_triage", f"URGENT: {LATE_MAIL}", "--json"])
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    assert values["urgency"] == "high"
    assert values["because"] == ["urgent"]
    assert values["team"] == "logistics"
    assert values["answer"]["id"] == "faq-1"
    assert values["text"].startswith("Team: logistics\nWants: delivery_options (90%)")


def test_it_has_no_tab_on_the_page_and_is_not_served_without_the_api(monkeypatch):
    monkeypatch.delenv("DESKHAND_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="no tab"):
        serving.serve_apps(["email_triage"], "0.0.0.0", 0, [])  # noqa: S104
