"""Questions on passages: rows read, and a run by each method."""

import json

import pytest

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_given, readable
from data.errors import ConfigError, LogFormatError
from finetune.methods import ADAPTERS, METHODS
from finetune.qa.model import QaModel
from finetune.reading import carve, read_questions_on_passages, read_splits
from finetune.run_dir import RunDir
from finetune.train import train
from tests.conftest import THINGS, finite, log_rows, names_a_thing, small

pytestmark = pytest.mark.usefixtures("here")
BY_METHOD = [
    pytest.param(each, marks=pytest.mark.gpu) if each == "qlora" else each for each in METHODS["qa"]
]
CHINESE = "我的包裹在哪里"


def question(text, passage, *answers, **more):
    found = [{"text": each, "answer_start": passage.index(each)} for each in answers]
    return {"question": text, "id": text, "answers": found, **more}


def numbered():
    """Questions whose answers stand in no other passage."""
    return {"data": [
        {"title": thing, "paragraphs": [{"context": (text := f"{thing} is on 4{place}"), "qas": [
            question(f"where is {thing}", text, f"4{place}"),
            question(f"what of {thing}", text, f"on 4{place}")]}]}
        for place, thing in enumerate(THINGS)
    ]}  # fmt: skip


def squad(things=THINGS, none=False):
    articles = []
    for place, thing in enumerate(things):
        passage = f"your {thing} is on its way. the parcel is 4{place} and does arrive at my shop."
        asked = [
            question(f"where does my {thing} arrive", passage, "at my shop"),
            question(f"where is {thing}", passage, "on its way"),
        ]
        if none:
            asked.append(question(f"i forgot my password {place}", passage, is_impossible=True))
        articles.append({"title": thing, "paragraphs": [{"context": passage, "qas": asked}]})
    return {"version": "v2.0", "data": articles}


def write_json(path, values):
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qa")
    for split in ("train", "validation", "test"):
        write_json(folder / f"{split}.json", squad(none=split != "train"))
    return folder


def test_squad_json_becomes_questions_with_the_spans_that_answer(tmp_path):
    path = write_json(tmp_path / "s.json", squad(["coat", "lamp"], none=True))
    rows = read_questions_on_passages(path)
    assert [len(row.spans) for row in rows] == [1, 1, 0] * 2
    (start, end), passage = rows[0].spans[0], rows[0].passage
    assert passage[start:end] == "at my shop"
    assert rows[1].where == f"{path}: data[0].paragraphs[0].qas[1]"
    assert {row.group for row in rows} == {"coat", "lamp"}


def test_rows_of_a_table_are_read_in_both_shapes(tmp_path):
    lists = {"text": [" on 41", "41"], "answer_start": [7, 10]}
    rows = [
        {"question": "where", "passage": "coat is on 41", "answers": [{"text": "41",
         "answer_start": 11}]},
        {"question": "where", "context": "coat is on 41", "answers": {"text": ["on 41", "41"],
         "answer_start": [8, 11]}},
        {"question": "who", "context": "coat is on 41"},
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row.spans for row in read_questions_on_passages(path)] == [
        ((11, 13),), ((8, 13), (11, 13)), ()
    ]  # fmt: skip
    path.write_text(json.dumps({**rows[1], "answers": {**lists, "answer_start": [7]}}) + "\n")
    with pytest.raises(LogFormatError, match="'answers' needs a text and an answer_start for each"):
        read_questions_on_passages(path)


def test_white_space_around_an_answer_is_no_part_of_it(tmp_path):
    passage = "coat is on 41"
    values = squad(["coat"])
    values["data"][0]["paragraphs"] = [
        {"context": passage, "qas": [question("where", passage, " on ")]}
    ]
    (row,) = read_questions_on_passages(write_json(tmp_path / "s.json", values))
    assert row.spans == ((8, 10),)


def broken(change):
    values = squad(["coat", "lamp"])
    paragraph = values["data"][1]["paragraphs"][0]
    change(values, paragraph, paragraph["qas"][1])
    return values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, p, q: v.pop("data"), "no list 'data'; SQuAD JSON has"),
        (lambda v, p, q: v["data"].append(3), r"data\[2\] is not an object"),
        (lambda v, p, q: v["data"][1].update(paragraphs={}), r"data\[1\]: no list 'paragraphs'"),
        (lambda v, p, q: p.pop("context"), r"data\[1\].paragraphs\[0\]: no text in 'context'"),
        (lambda v, p, q: p.update(context=["x"]), "'context' holds a list"),
        (lambda v, p, q: q.update(question=" "), r"qas\[1\]: no text in 'question'"),
        (lambda v, p, q: q.update(answers="x"), "'answers' must be a list"),
        (lambda v, p, q: q.update(answers=[{"text": "on"}]), "needs a text and answer_start"),
        (lambda v, p, q: q["answers"][0].update(answer_start=-1), r"\[-1, 9\) lies outside"),
        (lambda v, p, q: q["answers"][0].update(answer_start=9999), "outside the passage of 6"),
        (lambda v, p, q: q["answers"][0].update(answer_start=3), "does not match its text"),
        (lambda v, p, q: q.update(is_impossible=True), "both is_impossible and answers"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_place(change, message, tmp_path):
    path = write_json(tmp_path / "s.json", broken(change))
    with pytest.raises(LogFormatError, match=message) as caught:
        read_questions_on_passages(path)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)
    assert "parcel" not in str(caught.value)


def test_what_is_no_json_or_holds_no_question_is_refused(tmp_path):
    path = tmp_path / "s.json"
    path.write_text('{"data":\n [}')
    with pytest.raises(LogFormatError, match=f"^{path}:2: not valid JSON; SQuAD JSON is needed"):
        read_questions_on_passages(path)
    with pytest.raises(LogFormatError, match="no rows to learn from"):
        read_questions_on_passages(write_json(path, {"data": []}))


def test_no_article_and_no_passage_is_in_two_splits(tmp_path):
    values = squad()
    shared = values["data"][0]["paragraphs"][0]
    values["data"][5]["paragraphs"].append(shared)
    splits = read_splits(write_json(tmp_path / "s.json", values), None, read_questions_on_passages)
    assert splits.validation
    for key in ("group", "passage"):
        both = [{getattr(row, key) for row in rows} for rows in (splits.train, splits.validation)]
        assert not both[0] & both[1]


def test_an_article_alone_is_carved_by_passage(tmp_path):
    values = squad()
    paragraphs = [each for article in values["data"] for each in article["paragraphs"]]
    values["data"] = [{"title": "all", "paragraphs": paragraphs}]
    rows = read_questions_on_passages(write_json(tmp_path / "s.json", values))
    train_rows, validation = carve(rows, 0.1)
    assert len(validation) == 2
    assert not {row.passage for row in validation} & {row.passage for row in train_rows}


LONG = {"batch_size": 8, "epochs": 40, "lr": 5e-3, "label_smoothing": 0.0}


def qa(tiny, method="full", **values):
    return small("qa", tiny, method, **{"max_tokens": 48, **values})


@pytest.mark.parametrize("method", BY_METHOD)
def test_two_steps_by_each_method_give_a_run_that_reloads(method, tiny, data, tmp_path, caplog):
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    done = train(qa(tiny, method), data, tmp_path / "run")
    run = RunDir(tmp_path / "run")
    assert run.check("qa") == "qa"
    assert {path.name for path in run.root.iterdir()} == {path.name for path in run.files()}
    kept = {path.name for path in run.weights.iterdir()}
    assert {
        "model.onnx",
        "head.safetensors",
        "adapter" if method in ADAPTERS else "encoder",
    } <= kept
    assert finite(done.metrics)
    assert set(done.metrics["test"]) == {"baseline", "before", "after", "intervals"}
    assert list(done.metrics["test"]["after"]) == ["n", "exact_match", "f1", "no_answer_accuracy"]
    said = QaModel(run.root, threads=1).answer("where is coat", "your coat is on its way")
    assert 0 <= said.confidence <= 1
    assert not names_a_thing(caplog.text)


@pytest.fixture(scope="module")
def learned(tiny, tmp_path_factory):
    """A run that knows eight rows, and that other questions have no answer in them."""
    folder = tmp_path_factory.mktemp("learned")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for split in ("train", "validation"):
            write_json(folder / f"{split}.json", squad(THINGS[:4], none=True))
        config = qa(tiny, optim=LONG, max_tokens=64, qa={"stride": 16, "negatives": 0.5})
        return train(config, folder, folder / "run")


def test_it_learns_eight_rows_by_heart_and_that_four_have_no_answer(learned):
    after = learned.metrics["validation"]["after"]
    assert (after["n"], after["exact_match"], after["f1"]) == (12, 1.0, 1.0)
    assert after["no_answer_accuracy"] == 1.0
    assert log_rows(learned.run)[-2]["loss_nats"] < 0.2


def test_an_answer_is_the_text_at_its_place(learned):
    model = QaModel(learned.run.root, threads=1)
    passage = squad(THINGS[:1])["data"][0]["paragraphs"][0]["context"]
    said = model.answer("where is shoes", passage)
    assert (said.text, passage[said.start : said.end]) == ("on its way", "on its way")
    none = model.answer("i forgot my password 0", passage)
    assert (none.text, none.start, none.end) == (None, None, None)
    assert model.answers([("where is shoes", passage)] * 40) == [said] * 40
    assert model.answers([]) == []


@pytest.mark.parametrize("passage", ["", " \n "])
def test_nothing_is_found_in_an_empty_passage(passage, learned):
    said = QaModel(learned.run.root, threads=1).answer("where is shoes", passage)
    assert (said.text, said.start, said.end, said.confidence) == (None, None, None, 1.0)


@pytest.mark.parametrize(
    "asked", ["", CHINESE, "¿dónde? 🙂", "where is my parcel " * 3000, "[SEP] [CLS]"]
)
def test_any_question_gets_an_answer_that_stands_in_the_passage_or_none(asked, learned):
    passage = "您的包裹 is on its way 👩‍👩‍👧 to the shop. " * 3
    said = QaModel(learned.run.root, threads=1).answer(asked, passage)
    assert said.text is None or passage[said.start : said.end] == said.text


@pytest.mark.parametrize("place", [0, 5_000, 9_900])
def test_a_passage_of_ten_thousand_characters_is_read_to_its_end(place, learned):
    asked = squad(THINGS[:1])["data"][0]["paragraphs"][0]["context"]
    filler = "give me my money back please. " * 400
    passage = (filler[:place] + asked + filler)[: 10_000 + len(asked)]
    model = QaModel(learned.run.root, threads=1)
    windows = model._spans._windows.cut("where is shoes", passage)
    assert len(windows) > 40
    covered = {offset for window in windows for offset in window.offsets}
    start = passage.index("on its way")
    assert any(begin == start for begin, _ in covered)
    said = model.answer("where is shoes", passage)
    assert said.text is None or passage[said.start : said.end] == said.text


def test_without_questions_that_have_no_answer_every_span_is_said(tiny, tmp_path):
    for split in ("train", "validation"):
        write_json(tmp_path / f"{split}.json", squad())
    run = train(qa(tiny, qa={"negatives": 0.0}), tmp_path, tmp_path / "run").run
    assert json.loads(run.calibration.read_text())["threshold"] is None
    assert QaModel(run.root, threads=1).answer("i forgot", "my coat").text


def test_the_threshold_is_fitted_on_questions_put_elsewhere_where_none_is_given(tiny, tmp_path):
    write_json(tmp_path / "train.json", numbered())
    write_json(tmp_path / "validation.json", numbered())
    run = train(qa(tiny, qa={"negatives": 0.5}), tmp_path, tmp_path / "run").run
    fitted = json.loads(run.calibration.read_text())
    assert isinstance(fitted["threshold"], float)
    assert fitted["fitted_on"] == (
        "20 with an answer, 10 without, validation and 10 of its questions on other passages"
    )


def test_answers_that_fit_into_no_window_are_refused(tiny, tmp_path):
    path = write_json(tmp_path / "s.json", squad(none=True))
    values = json.loads(path.read_text())
    for article in values["data"]:
        for asked in article["paragraphs"][0]["qas"]:
            asked |= {"answers": [], "is_impossible": True}
    with pytest.raises(LogFormatError, match="no training question has an answer that fits"):
        train(qa(tiny), write_json(path, values), tmp_path / "run")


def test_early_stopping_watches_exact_spans(tiny, data, tmp_path):
    optim = {"batch_size": 16, "epochs": 30, "lr": 1e-9, "patience": 1, "stop_on": "exact_span"}
    run = train(qa(tiny, optim=optim), data, tmp_path / "run").run
    assert log_rows(run)[-1]["step"] < 30


def test_the_command_line_evaluates_and_predicts(learned, data, tmp_path):
    run = learned.run.root
    metrics = evaluate_path(run, data / "test.json")
    assert list(metrics) == ["n", "exact_match", "f1", "no_answer_accuracy"]
    passage = squad(THINGS[:1])["data"][0]["paragraphs"][0]["context"]
    (row,) = predict_given(run, ["where is shoes", passage], None)
    assert list(row) == ["question", "answer", "start", "end", "confidence"]
    assert readable(row) == f"on its way ({row['confidence']:.2f})  where is shoes"
    path = tmp_path / "asked.jsonl"
    asked = [{"question": "where is shoes", "passage": passage}, {"question": "x", "context": ""}]
    path.write_text("".join(json.dumps(each) + "\n" for each in asked))
    first, second = predict_given(run, [], path)
    assert first == row
    assert readable(second) == "no answer (1.00)  x"
    with pytest.raises(ConfigError, match="give a question and a passage, or --input"):
        list(predict_given(run, ["where is shoes"], None))
    path.write_text('{"question": "x"}\n')
    with pytest.raises(LogFormatError, match=f"^{path}:1: no column 'passage'; found: question"):
        list(predict_given(run, [], path))
