"""Which step an agent takes next: what is read of a conversation, how it is learned and served."""

import json

import numpy as np
import pytest
from transformers import AutoTokenizer

from apps.build import opened_intents
from apps.verbs.evaluate import evaluate_path
from apps.verbs.extend import extend
from apps.verbs.predict import predict_given, predict_texts
from data.conversations import from_dict
from data.errors import ConfigError, LogFormatError, RunDirError
from data.onnx_text import OnnxText
from data.schema import Entity, Situation, Turn
from data.steps import STEP_CHARS, VALUE_CHARS, step_examples, step_text, steps_of
from finetune.config import CONFIGS, train_config
from finetune.intent.model import IntentModel
from finetune.intent.task import IntentTask
from finetune.reading import carve, read_splits, read_steps
from finetune.run_dir import RunDir
from finetune.serving import ends_encoder
from finetune.train import train
from tests.conftest import THINGS, finite, intent_rows, open_encoder, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
METHODS = ("head", "frozen_embeddings", "top_layers", "contrastive")


def customer(text, **more):
    return {"speaker": "customer", "text": text, **more}


def agent(action, text, **more):
    return {"speaker": "agent", "text": text, "action": action, **more}


def talk(number, thing):
    found = {"Thing": thing, "State": "on its way"}
    return {
        "id": f"c{number}",
        "turns": [
            agent("hello", "hello"),
            customer(f"where is parcel {thing}"),
            agent("ask_name", "who are you please"),
            customer("i am book"),
            agent("tell_state", f"your {thing} is on its way", facts=found),
            customer("give me my money back"),
            agent("refund", "here is your money", facts=found),
        ],
    }


def talks(things=THINGS, start=0):
    return [talk(start + number, thing) for number, thing in enumerate(things)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("talks")
    write_lines(root / "train.jsonl", talks())
    write_lines(root / "validation.jsonl", talks(THINGS[:4], 20))
    write_lines(root / "test.jsonl", talks(THINGS[:4], 30))
    return root


@pytest.fixture(scope="module")
def run(tiny, folder, tmp_path_factory):
    """A run that was not told what its rows are."""
    out = tmp_path_factory.mktemp("runs") / "steps"
    train(small("intent", tiny, "frozen_embeddings"), folder, out)
    return out


def test_a_conversation_so_far_names_speakers_steps_and_what_was_looked_up():
    conversation = from_dict(talk(1, "lamp"))
    (*_, before), (*_, turn) = zip(*steps_of(conversation), strict=True)
    assert turn.action == "refund"
    assert step_text(before).splitlines() == [
        "agent[hello]: hello",
        "customer: where is parcel lamp",
        "agent[ask_name]: who are you please",
        "customer: i am book",
        "looked up: Thing=lamp; State=on its way",
        "agent[tell_state]: your lamp is on its way",
        "customer: give me my money back",
    ]


def test_what_is_new_stands_last_and_what_was_known_is_not_said_again():
    turns = from_dict(talk(1, "lamp")).turns[:6]
    same = Situation(turns, facts=turns[4].facts)
    assert step_text(same).endswith("customer: give me my money back")
    assert step_text(Situation(turns, facts={"Money": "12"})).endswith("\nlooked up: Money=12")
    assert step_text(Situation(turns)).endswith("\nlooked up: nothing")


def test_the_step_that_is_to_be_told_is_not_in_its_text():
    for example in step_examples(from_dict(talk(1, "lamp"))):
        assert f"[{example.label}]" not in example.text
        assert example.group == "c1"


def test_private_values_bots_and_long_values_stay_out_of_the_text():
    text = "it is 12345 please"
    turns = (
        Turn("customer", text, entities=(Entity("order_number", "12345", 6, 11),)),
        Turn("agent", "assigned to nobody", mark="system", action="assign"),
    )
    shown = step_text(Situation(turns, facts={"Note": "x" * 500}))
    assert "12345" not in shown
    assert "[order_number]" in shown
    assert "assign" not in shown
    assert shown.endswith(f"Note={'x' * VALUE_CHARS}")


def test_of_a_very_long_conversation_the_end_is_kept():
    turns = tuple(Turn("customer", f"turn {number}") for number in range(2000))
    shown = step_text(Situation(turns))
    assert len(shown) == STEP_CHARS
    assert shown.endswith("customer: turn 1999")


def test_an_opening_turn_and_a_turn_of_a_bot_are_no_steps():
    values = talk(1, "lamp")
    values["turns"][2]["mark"] = "bot"
    assert [turn.action for _, turn in steps_of(from_dict(values))] == ["tell_state", "refund"]


def test_a_log_without_actions_is_refused_with_what_to_do(tmp_path):
    rows = [{"id": "1", "turns": [customer("hi"), {"speaker": "agent", "text": "hello"}]}]
    with pytest.raises(LogFormatError, match="names an action.*'action' of a turn"):
        read_steps(write_lines(tmp_path / "log.jsonl", rows))
    with pytest.raises(LogFormatError, match=r"log.jsonl:1: no 'turns'"):
        read_steps(write_lines(tmp_path / "log.jsonl", [{"text": "a", "label": "b"}]))


def test_a_conversation_is_never_torn_between_splits(tmp_path):
    path = write_lines(tmp_path / "log.jsonl", talks(THINGS * 3))
    first, second = carve(read_steps(path), 0.2)
    assert first
    assert second
    assert not {row.group for row in first} & {row.group for row in second}


@pytest.mark.parametrize("method", METHODS)
def test_each_method_learns_steps_and_refuses_none(method, tiny, folder, tmp_path):
    config = small("intent", tiny, method, start="logistic" if method == "top_layers" else "random")
    done = train(config, folder, tmp_path / "run")
    after = done.metrics["test"]["after"]
    assert finite(done.metrics)
    assert after["accuracy"] == after["accuracy_no_refusal"]
    assert evaluate_path(tmp_path / "run", folder / "test.jsonl") == after


def test_a_run_remembers_that_it_reads_conversations(run, folder):
    assert RunDir(run).read_config()["train"]["intent"] == {"reads": "conversations"}
    rows = [{"text": "give me my money back", "label": "refund"}]
    path = write_lines(run.parent / "texts.jsonl", rows)
    with pytest.raises(LogFormatError, match="no 'turns' list"):
        evaluate_path(run, path)


def test_a_run_of_texts_says_so_and_tells_no_steps(tiny, folders, tmp_path):
    train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run")
    assert RunDir(tmp_path / "run").read_config()["train"]["intent"] == {"reads": "texts"}
    model = IntentModel(tmp_path / "run", open_encoder)
    with pytest.raises(RunDirError, match="reads texts, not conversations"):
        model.next_actions([Situation((Turn("customer", "hello"),))])


def test_a_situation_is_served_as_the_row_that_training_read(run, folder):
    model = IntentModel(run, open_encoder)
    conversation = from_dict(talk(1, "lamp"))
    situations = [situation for situation, _ in steps_of(conversation)]
    texts = [example.text for example in step_examples(conversation)]
    assert model.next_actions(situations) == model.predict(texts)
    assert all(each.intent.name is not None for each in model.predict(texts))


def long_text(words=300):
    generator = np.random.default_rng(0)
    return "\n".join(f"customer: {word}" for word in generator.choice(THINGS, words))


@pytest.mark.parametrize("method", ["head", "frozen_embeddings", "top_layers"])
def test_of_a_long_conversation_training_scoring_and_serving_read_the_same_end(
    method, tiny, folder, tmp_path
):
    whole = long_text()
    end = whole[-700:]  # more characters than 32 tokens of words have
    config = small("intent", tiny, method, words=False)
    train(config, folder, tmp_path / "run")
    model = IntentModel(tmp_path / "run", open_encoder)
    one, same, other = model.predict([whole, "agent[hello]: hello\n" + end, whole[:700]])
    assert one.top == same.top
    assert one.top != other.top


def test_training_cuts_the_tokens_that_the_graph_does(run, tiny, folder):
    folder = RunDir(run)
    texts = [long_text(), "customer: where is parcel lamp"]
    served = OnnxText(folder.model, folder.tokenizer / "tokenizer.json", 32, 1, cut="left")
    wanted = [encoding.ids for encoding in served.tokenize(texts)]
    saved = AutoTokenizer.from_pretrained(str(folder.tokenizer))  # what --explain reads by
    assert saved(texts, truncation=True, max_length=32)["input_ids"] == wanted
    assert len(wanted[0]) == 32
    lamp = served.tokenize([THINGS[0]])[0].ids[1]
    assert [each.ids[-2] for each in served.tokenize([long_text() + " " + THINGS[0]])] == [lamp]
    frozen = ends_encoder(tiny, 32, 1).encode([texts[0]])
    np.testing.assert_allclose(
        frozen, ends_encoder(tiny, 32, 1).encode(["agent: hello\n" + texts[0]]), atol=1e-6
    )


def test_the_rows_of_the_trainer_are_cut_as_the_graph_cuts(run, tiny, folder, tmp_path):
    rows = talks()
    rows[0]["turns"][1]["text"] = "parcel " * 200 + "lamp"
    for name in ("train", "validation"):
        write_lines(tmp_path / f"{name}.jsonl", rows)
    config = small("intent", tiny, "full", intent={"reads": "conversations"}, multi_label=False)
    splits = read_splits(tmp_path, None, read_steps)
    trainer = IntentTask().trainer(config, splits, RunDir(tmp_path / "run"))
    served = OnnxText(
        RunDir(run).model, RunDir(run).tokenizer / "tokenizer.json", 32, 1, cut="left"
    )
    wanted = [each.ids for each in served.tokenize([row.text for row in splits.train])]
    assert [row["input_ids"] for row in trainer.train_dataset] == wanted
    assert max(map(len, wanted)) == 32


def test_a_step_that_training_lacks_counts_as_wrong(tiny, folder, tmp_path):
    rows = talks(THINGS[:4], 40)
    for row in rows:
        row["turns"][-1]["action"] = "give_up"
    for name in ("validation", "test"):
        write_lines(tmp_path / f"{name}.jsonl", rows)
    write_lines(tmp_path / "train.jsonl", talks())
    done = train(small("intent", tiny, "frozen_embeddings"), tmp_path, tmp_path / "run")
    assert done.metrics["test"]["after"]["accuracy"] < 0.67  # a third are new
    lines = RunDir(tmp_path / "run").errors.read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines]
    assert sum(error["label"] == "give_up" for error in said) == 4


def test_predict_tells_the_next_step_of_each_conversation_and_of_a_first_text(run, tmp_path):
    rows = talks(THINGS[:2])
    for row in rows:
        row["turns"].pop()
    rows[0]["facts"] = {"Money": "12"}
    said = list(predict_given(run, [], write_lines(tmp_path / "c.jsonl", rows)))
    assert said[0]["text"].endswith("looked up: Money=12")
    assert said[1]["text"].endswith("customer: give me my money back")
    first = next(predict_given(run, ["where is parcel lamp"], None))
    assert first == next(predict_texts(run, ["customer: where is parcel lamp"]))


def test_what_needs_intents_refuses_a_run_of_steps(run, folder, tiny, tmp_path):
    with pytest.raises(RunDirError, match="a run of intents is needed"):
        opened_intents(run, 1)
    rows = write_lines(tmp_path / "more.jsonl", intent_rows(THINGS[:3]))
    with pytest.raises(ConfigError, match="reads conversations"):
        extend(run, rows, tmp_path / "more")
    with pytest.raises(ConfigError, match="an agent's turn has one action"):
        train(small("intent", tiny, "head", multi_label=True), folder, tmp_path / "several")


def test_the_shipped_config_reads_conversations():
    config = train_config("intent", CONFIGS / "next_action.yaml")
    assert config.intent.from_the_end
    assert not train_config("intent").intent.from_the_end
