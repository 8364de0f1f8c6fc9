import json
from dataclasses import replace

import numpy as np
import pytest

from apps.backtest.judging import serves_by
from apps.backtest.pairs import Agreement, Likeness
from apps.customer_service.config import CostsConfig
from apps.customer_service.fitness import FEATURES, Competing, Fitness, named
from apps.customer_service.fitting import Labelled, fit, labelled, labelled_log
from apps.customer_service.readings import Message, Readings, alike, without
from apps.verbs.fit import fit as fit_verb
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import Conversation, Entity, Intent, Passage, Turn
from finetune.intent.model import IntentPrediction
from retrieval.questions import Question
from retrieval.writing import build_index
from tests.fakes import HashEncoder
from tests.test_bot import LATE, WINDOW, KeywordIntents, OrderFinder

AGENT = Passage("c1:1", "Cards go out by post.", "my late gift card is missing",
                "conversation c1", {"kind": "conversation"})  # fmt: skip

WEIGHTS = named([20, 3, 8, -5, 20, 3, 8, 15, -1])
FITNESS = Fitness(WEIGHTS, threshold=0.5, led=0.5, beside=0.1)
COSTS = CostsConfig()


def read(**top):
    name, confidence = next(iter(top.items()))
    return IntentPrediction(Intent(name, confidence), tuple(top.items()), 0.9)


def competing(*rows, message=(1, 1)):
    """Passages of a row each, and what the message tells."""
    passages = tuple(Passage(f"p{n}", "x", "x", "x") for n in range(len(rows)))
    of = np.arange(len(rows), dtype=np.int64)
    return Competing(passages, np.array(rows, float), of, np.array(message, float))


def heard(text, *before, entities=(), told=()):
    """A message as it reaches the readings."""
    turns = (*before, Turn("customer", text))
    conversation = Conversation("c", turns=turns)
    return Message(text, KeywordIntents().predict([text])[0], entities, conversation, {}, told)


@pytest.fixture
def index(tmp_path):
    known = [Question("has it gone astray", frozenset({LATE.id}))]
    return build_index([LATE, WINDOW, AGENT], HashEncoder(), "hash", tmp_path / "index", known)


def test_the_chances_of_passages_leave_room_for_none():
    near, far = [0.8, 1, 0.9, 0, 0, 0, 0], [0.2, 0, 0.1, 0, 0, 0, 0]
    chances = FITNESS.probabilities(competing(near, far))
    assert chances[0] > 0.9 > 0.1 > chances[1]
    assert FITNESS.probabilities(competing(far, far)).sum() < 0.1


def test_the_readings_of_a_message_add_up_for_a_passage():
    found = competing([0.6, 1, 0.4, 0, 0, 0, 0], [0.6, 1, 0.4, 0, 0, 0, 0])
    one = Competing(found.passages[:1], found.rows, np.zeros(2, np.int64), found.message)
    assert FITNESS.probabilities(one) == pytest.approx(FITNESS.probabilities(found).sum())


def test_a_likely_second_passage_is_said_beside_the_best():
    assert FITNESS.said(np.array([0.1, 0.5, 0.3])) == [1, 2]
    assert FITNESS.said(np.array([0.05, 0.5, 0.02])) == [1]
    assert FITNESS.said(np.array([0.05, 0.8])) == [1]


def test_fitness_survives_its_file(tmp_path):
    FITNESS.save(tmp_path / "runs" / "answers.json")
    assert Fitness.load(tmp_path / "runs" / "answers.json") == FITNESS
    for other in (
        '{"weights": 1}',
        '{"weights": {"score": 1}, "threshold": 1, "led": 1, "beside": 1}',
    ):
        (tmp_path / "other.json").write_text(other, encoding="utf-8")
        with pytest.raises(RunDirError, match=r"other\.json: not what `deskhand fit` writes"):
            Fitness.load(tmp_path / "other.json")


def test_texts_are_alike_where_they_may_mean_the_same_intents():
    same, mixed, other = read(a=0.9, b=0.1), read(b=0.6, a=0.4), read(c=1.0)
    assert alike(same, same) == pytest.approx(1)
    assert 0.5 < alike(same, mixed) < 1
    assert alike(same, other) == 0


def test_words_count_as_they_are_rare_and_known_questions_count_too(index):
    ids = [LATE.id, WINDOW.id]
    late, window = index.word_shares("parcel astray", ids)
    assert (late, window) == (1, 0)
    unknown, _ = index.word_shares("parcel wrapping", ids)
    assert 0 < unknown < 0.6
    assert index.word_shares("", ids) == [0, 0]


def test_numbers_and_names_are_no_words_that_a_page_could_hold(index):
    text = "is parcel FK-123456 late"
    number = Entity("order_number", "FK-123456", 10, 19)
    assert without(text, [number]) == "is parcel   late"
    readings = Readings(KeywordIntents())
    bare = readings.competing(index, heard(text))
    found = readings.competing(index, heard(text, entities=(number,)))
    place = [passage.id for passage in found.passages].index(LATE.id)
    words = FEATURES.index("words")
    assert found.rows[place, words] > bare.rows[place, words]
    agent = [passage.id for passage in found.passages].index(AGENT.id)
    assert found.rows[agent, FEATURES.index("colleague")] == 1


def test_the_name_of_a_product_does_not_tell_what_is_asked(index):
    text = "is the parcel late"
    product = Entity("product", "parcel", 7, 13)
    found = Readings(KeywordIntents()).competing(index, heard(text, entities=(product,)))
    bare = Readings(KeywordIntents()).competing(index, heard("is the late"))
    words = FEATURES.index("words")
    assert found.rows[:, words].tolist() == bare.rows[:, words].tolist()


def test_a_part_counts_by_what_it_adds_to_the_whole(index):
    text = "My neighbour met the driver, who lost his way twice. Is my parcel late then?"
    found = Readings(KeywordIntents()).competing(index, heard(text))
    late = found.rows[found.of == [each.id for each in found.passages].index(LATE.id)]
    whole, *_, part = late
    assert (whole[:4] == part[:4]).all()
    assert (whole[4:] == 0).all()
    assert part[FEATURES.index("part_words")] > 0
    asked = Readings(KeywordIntents()).competing(index, heard(text), ["Is my parcel late then?"])
    assert len(asked.rows) == (asked.rows[:, 4:] != 0).any(axis=1).sum()


def test_what_was_just_said_does_not_answer_what_follows_from_it(index):
    before = Turn("customer", "is my parcel late?"), Turn("agent", LATE.text)
    found = Readings(KeywordIntents()).competing(index, heard("and that", *before, told=[LATE.id]))
    late = found.rows[found.of == [each.id for each in found.passages].index(LATE.id)]
    assert (late[:, 4:] == 0).all()  # under the whole alone


def rows(count=40):
    """Questions whose answer has many of their words, and some that nothing has."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        features = rng.uniform(0, 0.3, (5, 7))
        answers = np.zeros(5, dtype=bool)
        if number % 3:
            features[2], answers[2] = rng.uniform(0.7, 1, 7), True
        made.append(Labelled(competing(*features), answers, bool(number % 3)))
    return made


def test_what_is_fitted_answers_what_it_was_not_fitted_on_and_refuses_the_rest():
    made = fit(rows(), "some.jsonl", COSTS)
    assert (made.right, made.wrong, made.refused) == (1, 0, 1)
    assert 0 < made.fitness.threshold < 1
    assert made.fitness.fitted_on == "some.jsonl: 26 answerable, 14 unanswerable questions"
    assert made.values()["fitness"]["weights"]["words"] > 0


def test_a_fit_needs_questions_of_both_kinds():
    with pytest.raises(LogFormatError, match="some that nothing does"):
        fit([row for row in rows() if row.answerable], "some.jsonl", COSTS)


def test_questions_are_labelled_as_the_bot_would_see_them(index):
    asked = [Question("is my parcel late", frozenset({LATE.id})), Question("zzz", frozenset())]
    found = labelled(asked, index, KeywordIntents(), OrderFinder())
    assert [row.answerable for row in found] == [True, False]
    assert found[0].answers.sum() == 1
    words = found[0].found.rows[:, FEATURES.index("words")]
    assert words[found[0].answers[found[0].found.of]].tolist() == [1]


def test_the_dearer_a_wrong_answer_the_fewer_are_given():
    rng = np.random.default_rng(1)
    doubtful = [
        Labelled(competing(*rng.uniform(0, 1, (3, 7))), rng.permutation([True, False, False]),
                 bool(n % 2))
        for n in range(60)
    ]  # fmt: skip
    for row in doubtful[::2]:
        row.answers[:] = False
    cheap, dear = (fit(doubtful, "some", CostsConfig(wrong=cost)) for cost in (1.1, 20))
    assert cheap.fitness.threshold < dear.fitness.threshold
    assert dear.wrong < cheap.wrong
    with pytest.raises(ValueError, match="wrong must be more than hand_over"):
        CostsConfig(hand_over=2, wrong=1)


def test_a_log_teaches_what_served_as_the_persons_answer(index):
    def said(*texts, gold=None, key="c"):
        turns = [Turn(("customer", "agent")[n % 2], text) for n, text in enumerate(texts)]
        turns[-1] = Turn("agent", texts[-1], gold=gold)
        return Conversation(key, turns=tuple(turns))

    own = AGENT.id.partition(":")[0]
    log = [
        said("hello", "Hello.", "is it late", LATE.text, "the blue one", "I have sent it."),
        said("hello", "Hello.", "is it late", "I am passing you on to my manager."),
        said("hello", "Hello.", "is it late", LATE.text, gold="bad"),
        said("hello", "Hello.", "thanks", "You are welcome."),
        said("hello", "Hello.", "cancel it", "Done."),
        said("hello", "Hello.", "when is it late", LATE.text, key=own),
    ]
    found = list(
        labelled_log(
            log, index, KeywordIntents(), OrderFinder(),
            lambda asked, human, passages: [each.text == human for each in passages],
            {"cancel_order"},
        )
    )  # fmt: skip
    assert [row.answerable for row in found] == [True, False, False, True]
    assert AGENT.id in [each.id for each in found[0].found.passages]
    assert AGENT.id not in [each.id for each in found[3].found.passages]


def test_a_log_teaches_how_probable_an_answer_must_be_and_nothing_else():
    questions = rows(40)
    remarks = [
        Labelled(row.found, row.answers & (n % 10 == 1), row.answerable and n % 10 == 1)
        for n, row in enumerate(rows(60))
    ]  # what answers a question answers few of them
    alone, both = fit(questions, "q", COSTS).fitness, fit(questions, "b", COSTS, remarks).fitness
    assert replace(both, led=0, fitted_on="") == replace(alone, led=0, fitted_on="")
    assert alone.led == alone.threshold < both.led


def test_a_judge_tells_which_passages_serve_and_encodes_each_once():
    class Counting(HashEncoder):
        texts = []

        def encode(self, texts):
            self.texts += texts
            return super().encode(texts)

    encoder = Counting()
    likeness = Likeness((10, 0, 0, 0, 0), -8, 0.5, Agreement(0, 0, 0, 0, 0, 0))
    serves = serves_by(likeness, encoder)
    for _ in range(2):
        assert serves("is it late", LATE.text, [LATE, WINDOW]) == [True, False]
    assert len(encoder.texts) == len(set(encoder.texts))
    assert serves("is it late", LATE.text, []) == []


def test_only_the_customer_service_bot_is_fitted(tmp_path):
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "is it late", "relevant": []}', encoding="utf-8")
    with pytest.raises(ConfigError, match="faq: only customer_service"):
        fit_verb("faq", questions)


@pytest.fixture
def opened(index, monkeypatch, tmp_path):
    """The verb's index, runs and encoder without a model, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    encoder = HashEncoder()
    for name, made in (
        ("index", index), ("intents", KeywordIntents()), ("ner", OrderFinder()),
        ("encoder", encoder),
    ):  # fmt: skip
        monkeypatch.setattr(f"apps.build.opened_{name}", lambda *_, made=made: made)
    return tmp_path


def asked_in(folder):
    """A file of labelled questions, of which every other one is answered by a page."""
    texts = [("is my parcel late", LATE.id), ("parcel astray", LATE.id),
             ("how long do I have to send back", WINDOW.id),
             ("days to send back", WINDOW.id)]  # fmt: skip
    lines = [{"question": text, "relevant": [page]} for text, page in texts]
    unknown = [f"{word} wrapping ribbons" for word in ("red", "blue", "silk", "gold")]
    lines += [{"question": text, "relevant": []} for text in unknown]
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_verb_fits_questions_alone_and_with_a_log(opened, capsys):
    questions = asked_in(opened)
    fit_verb("customer_service", questions, out=opened / "alone.json", as_json=True)
    values = json.loads(capsys.readouterr().out)
    assert (values["answerable"], values["unanswerable"]) == (4, 4)
    alone = Fitness.load(opened / "alone.json")
    assert alone.led == alone.threshold
    assert alone.fitted_on == "questions.jsonl: 4 answerable, 4 unanswerable questions"
    spoken = [("customer", "hello"), ("agent", "Hello, which one?"), ("customer", "late"),
              ("agent", "I have looked it up for you.")]  # fmt: skip
    turns = [{"speaker": speaker, "text": text} for speaker, text in spoken]
    log = opened / "log.jsonl"
    rows = [json.dumps({"id": f"t{n}", "turns": turns}) for n in range(6)]
    log.write_text("\n".join(rows) + "\n", encoding="utf-8")
    fit_verb("customer_service", questions, log=log, out=opened / "led.json")
    assert "of 4 questions" in capsys.readouterr().out
    led = Fitness.load(opened / "led.json")
    assert led.led > alone.led  # remarks that no page answers were learned from
    assert led.threshold == alone.threshold
    assert led.fitted_on.startswith("questions.jsonl, log.jsonl:")


def test_the_verb_tells_which_labelled_page_the_index_lacks(opened):
    questions = opened / "questions.jsonl"
    questions.write_text('{"question": "is it late", "relevant": ["faq-77"]}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'faq-77' is not in .*; index it first"):
        fit_verb("customer_service", questions)
