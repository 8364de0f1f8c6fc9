"""Past conversations replayed through an app and judged by what people answered."""

from dataclasses import replace

from apps.backtest.replaying import points, replay
from data.schema import Answer, Conversation, Turn


def customer(text, **more):
    return Turn("customer", text, **more)


def agent(text, **more):
    return Turn("agent", text, **more)


TALK = Conversation(
    "c1",
    (
        customer("my kettle broke"),
        customer("order FK-100200"),
        agent("Sorry! Is it still in its box?"),
        customer("yes it is"),
        agent("Then send it back, it is free."),
        customer("thanks"),
    ),
)


class Listens:
    """Answers what it is told to, and keeps what it was shown."""

    title, examples = "Listens", ()

    def __init__(self, answer):
        self.answers, self.seen = answer, []

    def answer(self, conversation, state):
        self.seen.append((conversation, dict(state)))
        said = self.answers(conversation, state)
        number = len(self.seen)
        yield replace(said, text=said.text[:1])
        yield replace(said, state={"workflow": number, "values": {"order_number": "FK-1"}})


def test_the_app_sees_what_people_had_answered_never_its_own_answers():
    app = Listens(lambda conversation, state: Answer("my own words"))
    found = list(replay(app, [TALK]))
    assert [each.human.text for each in found] == [
        "Sorry! Is it still in its box?",
        "Then send it back, it is free.",
    ]
    assert [each.answer.text for each in found] == ["my own words"] * 2
    assert [[turn.text for turn in seen.turns] for seen, _ in app.seen] == [
        ["my kettle broke\norder FK-100200"],
        [
            "my kettle broke",
            "order FK-100200",
            "Sorry! Is it still in its box?",
            "yes it is",
        ],
    ]


def test_state_is_kept_while_the_answers_agree_and_else_only_what_the_customer_said():
    for agreed, state in (
        (True, {"workflow": 1, "values": {"order_number": "FK-1"}}),
        (False, {"values": {"order_number": "FK-1"}}),
    ):
        app = Listens(lambda conversation, state: Answer("mine"))
        found = list(replay(app, [TALK], lambda each, agreed=agreed: agreed))
        assert [each.kept for each in found] == [True, agreed]
        assert [state for _, state in app.seen] == [{}, state]


def test_what_no_person_wrote_is_no_answer_to_compare_with():
    turns = (
        customer("hello"),
        agent("I am a bot", mark="bot"),
        customer("a person please"),
        agent("assigned to Tom", mark="system"),
        agent("Tom here."),
        agent("How can I help?", gold="bad"),
    )
    (point,) = points(Conversation("c2", turns, outcome="solved"))
    assert point.human.text == "Tom here.\nHow can I help?"
    assert (point.human.gold, point.place, point.last) == ("bad", 4, True)
    assert [turn.text for turn in point.before.turns] == ["hello", "I am a bot", "a person please"]
    assert point.before.outcome == "unknown"


def test_the_action_that_the_log_names_is_compared_with_the_step():
    def kept(step):
        turns = (
            customer("cancel"), agent("Which one?", action="ask:order_number"),
            customer("FK-1"), agent("Done"),
        )  # fmt: skip
        app = Listens(lambda conversation, state: Answer("Number?", step=step))
        return list(replay(app, [Conversation("c3", turns)]))[1].kept

    assert kept("workflow:cancel_order:ask:order_number")
    assert not kept("workflow:cancel_order:confirm")
    assert not kept("")
