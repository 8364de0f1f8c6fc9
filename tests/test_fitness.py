import numpy as np
import pytest

from apps.customer_service.fitness import ALONE, Features, Fitness, alike, without
from apps.customer_service.fitting import Labelled, fit, labelled
from apps.fit_verb import fit as fit_verb
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import Entity, Intent
from finetune.intent_model import IntentPrediction
from retrieval.index import build_index
from retrieval.questions import Question
from tests.fakes import HashEncoder
from tests.test_bot import AGENT, LATE, WINDOW, KeywordIntents, OrderFinder

FITNESS = Fitness(20, 3, 8, -5, 1, none=15, threshold=0.5)


def read(**top):
    name, confidence = next(iter(top.items()))
    return IntentPrediction(Intent(name, confidence), tuple(top.items()), 0.9)


@pytest.fixture
def index(tmp_path):
    known = [Question("has it gone astray", frozenset({LATE.id}))]
    return build_index([LATE, WINDOW, AGENT], HashEncoder(), "hash", tmp_path / "index", known)


def test_the_chances_of_passages_leave_room_for_none():
    near, far = [0.8, 1, 0.9, 0, 1], [0.2, 0, 0.1, 0, 1]
    chances = FITNESS.probabilities(np.array([near, far]))
    assert chances[0] > 0.9 > 0.1 > chances[1]
    assert FITNESS.probabilities(np.array([far, far])).sum() < 0.1


def test_a_doubtful_passage_is_said_with_the_next_one_and_a_sure_one_alone():
    assert Fitness.said(np.array([0.1, 0.5, 0.3])) == [1, 2]
    assert Fitness.said(np.array([0.05, 0.5, 0.02])) == [1]
    assert Fitness.said(np.array([0.15, ALONE])) == [1]


def test_fitness_survives_its_file(tmp_path):
    FITNESS.save(tmp_path / "runs" / "answers.json")
    assert Fitness.load(tmp_path / "runs" / "answers.json") == FITNESS
    (tmp_path / "other.json").write_text('{"weights": 1}', encoding="utf-8")
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
    features = Features(KeywordIntents())
    passages = index.search(text, 3)
    intents = KeywordIntents().predict([text])[0]
    place = [passage.id for passage in passages].index(LATE.id)
    with_number = features.of(index, text, intents, (), passages)[place]
    assert features.of(index, text, intents, (number,), passages)[place][2] > with_number[2]
    agent = [passage.id for passage in passages].index(AGENT.id)
    assert features.of(index, text, intents, (), passages)[agent][3] == 1


def rows(count=40):
    """Questions whose answer has many of their words, and some that nothing has."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        features = rng.uniform(0, 0.3, (5, 5))
        answers = np.zeros(5, dtype=bool)
        if number % 3:
            features[2], answers[2] = rng.uniform(0.7, 1, 5), True
        made.append(Labelled(features, answers, bool(number % 3)))
    return made


def test_what_is_fitted_answers_what_it_was_not_fitted_on_and_refuses_the_rest():
    made = fit(rows(), "some.jsonl")
    assert (made.right, made.wrong, made.refused) == (1, 0, 1)
    assert 0 < made.fitness.threshold < 1
    assert made.fitness.fitted_on == "some.jsonl: 26 answerable, 14 unanswerable questions"
    assert made.values()["fitness"]["words"] > 0


def test_a_fit_needs_questions_of_both_kinds():
    with pytest.raises(LogFormatError, match="some that nothing does"):
        fit([row for row in rows() if row.answerable], "some.jsonl")


def test_questions_are_labelled_as_the_bot_would_see_them(index):
    asked = [Question("is my parcel late", frozenset({LATE.id})), Question("zzz", frozenset())]
    found = labelled(asked, index, KeywordIntents(), OrderFinder())
    assert [row.answerable for row in found] == [True, False]
    assert found[0].answers.sum() == 1
    assert found[0].features.shape[1] == 5
    assert found[0].features[found[0].answers][0, 2] == 1


def test_only_the_customer_service_bot_is_fitted(tmp_path):
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "is it late"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="faq: only customer_service"):
        fit_verb("faq", questions)
