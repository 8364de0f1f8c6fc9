"""The task that writes the next agent turn, on models made on the spot."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoTokenizer, Qwen3ForCausalLM

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_texts
from data.encoders import resolve_encoder
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import Example, Situation, Turn
from finetune.dialogue.causal import TEMPLATE, causal_rows, causal_trainer, load_tokenizer
from finetune.dialogue.leaks import leaks_of, secret_values
from finetune.dialogue.model import DialogueModel, NotWrittenError
from finetune.dialogue.rows import taught
from finetune.dialogue.talker import Talker
from finetune.dialogue.task import DialogueTask
from finetune.dialogue.writer import token_rows
from finetune.methods import METHODS
from finetune.reading import Splits
from finetune.reading.dialogues import read_dialogues
from finetune.run_dir import RunDir
from finetune.summary.writer_net import load_writer
from finetune.train import describe, train
from tests.conftest import THINGS, finite, log_rows, names_a_thing, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
LONG = {"batch_size": 4, "epochs": 120, "lr": 3e-3, "label_smoothing": 0.0, "schedule": "constant"}
SHORT = {"max_target_tokens": 12, "scored_rows": 4}


def talk(encoder, method="full", **values):
    values = {"max_tokens": 64, "dialogue": SHORT, **values}
    return small("dialogue", encoder, method, **values)


def dialogue_rows(things=THINGS, name="c"):
    return [
        {
            "id": f"{name}{number}",
            "turns": [
                {"speaker": "customer", "text": f"where is parcel {1000 + number}"},
                {"speaker": "agent", "text": f"Your {thing} is on its way, {1000 + number}.",
                 "facts": {"thing": thing}},
            ],
        }
        for number, thing in enumerate(things)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("dialogues")
    for split in ("train", "validation", "test"):
        write_lines(root / f"{split}.jsonl", dialogue_rows())
    return root


CELLS = [(kind, method) for kind in ("encoder", "qwen") for method in METHODS["dialogue"]
         if method != "qlora"]  # fmt: skip


@pytest.mark.parametrize(("kind", "method"), CELLS)
def test_two_steps_give_a_complete_run_that_writes(
    kind, method, tiny, qwen, data, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "mine"
    done = train(talk({"encoder": tiny, "qwen": qwen}[kind], method), data, out)

    run = RunDir(out)
    assert run.check("dialogue") == "dialogue"
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    adapted = kind == "qwen" and method in ("lora", "dora")
    held = {path.name for path in run.weights.iterdir()}
    assert held == {"adapter" if adapted else "network", "sha256.json"}
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    assert metrics == done.metrics
    after = metrics["test"]["after"]
    assert list(after)[:3] == ["n", "perplexity", "bleu"]
    assert {"exact_match", "grounded", "repeated", "chrf", "rougeL"} < set(after)
    assert finite(metrics)
    assert all(np.isfinite(row.get("loss_nats", 0)) for row in log_rows(run))
    page = run.report.read_text(encoding="utf-8")
    assert "Side by side" in page
    assert "Leak test" in page
    assert evaluate_path(out, data / "test.jsonl")["n"] == SHORT["scored_rows"]
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # customers' words are never logged


STEPS = {"tell_where": "It is on its way.", "ask_name": "Who are you?"}


def step_rows():
    """Conversations whose answers their steps alone tell apart."""
    return [
        {
            "id": f"{step}{number}",
            "turns": [
                {"speaker": "customer", "text": "where is it"},
                {"speaker": "agent", "text": text, "action": step},
            ],
        }
        for step, text in STEPS.items()
        for number in range(3)
    ]


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    root = tmp_path_factory.mktemp("steps")
    for split in ("train", "validation"):
        write_lines(root / f"{split}.jsonl", step_rows())
    return root


def read_by(model, situation):
    talker = model._talker
    return talker._tokenizer.decode(talker._inputs([situation])[1]["input_ids"][0])


@pytest.mark.parametrize("kind", ["encoder", "qwen"])
def test_a_run_reads_the_step_where_it_learned_with_it_and_not_else(
    kind, tiny, qwen, steps, tmp_path
):
    asked = Situation((Turn("customer", "where is it"),), step="ask_name")
    unasked = replace(asked, step=None)
    encoder = {"encoder": tiny, "qwen": qwen}[kind]
    with_steps = talk(encoder, dialogue={**SHORT, "step": "given"})
    model = DialogueModel(train(with_steps, steps, tmp_path / "given").run.root, threads=1)
    assert read_by(model, asked).count("step : ask name") == 1
    assert "step" not in read_by(model, unasked)
    assert len(model.write_all([unasked, asked])) == 2  # where nobody knows the step it writes too

    run = train(talk(encoder), steps, tmp_path / "none").run
    config = run.read_config()
    assert config["train"]["dialogue"].pop("step") == "none"
    run.config.write_text(
        yaml.safe_dump(config), encoding="utf-8"
    )  # as runs were before there was a choice
    model = DialogueModel(run.root, threads=1)
    assert read_by(model, asked) == read_by(model, unasked)
    assert evaluate_path(run.root, steps / "validation.jsonl")["n"] == SHORT["scored_rows"]


def test_some_training_rows_hide_their_step_and_no_others_do(tiny, steps):
    rows = read_dialogues(steps / "train.jsonl", steps=True) * 50
    assert {row.situation.step for row in rows} == set(STEPS)
    assert {row.situation.step for row in read_dialogues(steps / "train.jsonl")} == {None}
    config = talk(tiny, dialogue={"step": "given", "hide_step": 0.2})
    shown = [row.situation.step is not None for row in taught(rows, config)]
    assert 0.7 < np.mean(shown) < 0.9
    assert shown == [row.situation.step is not None for row in taught(rows, config)]
    never = talk(tiny, dialogue={"step": "given", "hide_step": 0.0})
    assert taught(rows, never) == rows
    asked = [
        {"id": "c", "turns": [{"speaker": "customer", "text": "hi"}, step_rows()[0]["turns"][1]]}
    ]
    write_lines(steps / "one.jsonl", asked)
    (read,) = DialogueTask().read(steps / "one.jsonl", never)
    assert read.situation.step == "tell_where"


@pytest.mark.slow
def test_a_step_tells_what_the_text_does_not(tiny, steps, tmp_path):
    config = talk(tiny, optim=LONG, dialogue={"max_target_tokens": 16, "step": "given"})
    model = DialogueModel(train(config, steps, tmp_path / "run").run.root, threads=1)
    asked = [Situation((Turn("customer", "where is it"),), step=step) for step in STEPS]
    assert model.write_all(asked) == list(STEPS.values())
    said = [row["answer"] for row in predict_texts(tmp_path / "run", [
        f"customer: where is it\nstep: {step}" for step in STEPS])]  # fmt: skip
    assert said == list(STEPS.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "qwen"])
def test_four_conversations_are_learned_and_values_are_those_of_the_asker(
    kind, tiny, qwen, tmp_path
):
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", dialogue_rows(THINGS[:4]))
    config = talk({"encoder": tiny, "qwen": qwen}[kind], optim=LONG,
                  dialogue={"max_target_tokens": 32})  # fmt: skip
    run = train(config, tmp_path, tmp_path / "run").run
    model = DialogueModel(run.root, threads=1)
    asked = Situation((Turn("customer", "where is parcel 7777"),), facts={"thing": THINGS[1]})
    (said,) = model.write_all([asked])
    assert said == f"Your {THINGS[1]} is on its way, 7777."
    assert "".join(model.write(asked)) == said
    assert "1000" not in said  # what it was trained on stays with whom it belongs to
    rows = read_dialogues(tmp_path / "train.jsonl")
    nats = model.nats([row.situation for row in rows], [row.answer for row in rows])
    assert (nats[:, 0] / nats[:, 1] < 0.2).all()
    assert model.nats([asked], ["It comes on 12/12."]).tolist() == [[0.0, 0.0]]


def test_a_stream_ends_when_its_time_is_over_and_when_nobody_listens(qwen, data, tmp_path):
    run = train(talk(qwen, dialogue={"max_target_tokens": 500}), data, tmp_path / "run").run
    model = DialogueModel(run.root, threads=1)
    asked = Situation((Turn("customer", "where is parcel 7777"),))
    with pytest.raises(NotWrittenError) as error:
        list(model.write(asked, stop_after_s=0.0))
    assert error.value.reason in ("timeout", "empty", "unfilled")
    stream = model.write(asked)
    stream.close()  # before it began
    assert isinstance(model.write_all([asked])[0], str)  # the lock is free again


@pytest.mark.parametrize("kind", ["encoder", "qwen"])
def test_no_digit_can_be_written(kind, tiny, qwen, data, tmp_path):
    """An answer's only numbers are those that are filled in."""
    run = train(talk({"encoder": tiny, "qwen": qwen}[kind]), data, tmp_path / "run").run
    network = DialogueModel(run.root, threads=1)._talker
    tokenizer, banned = network._tokenizer, set(network._settings["suppress_tokens"])
    digits = {number for token, number in tokenizer.get_vocab().items()
              if any(char.isdigit() for char in token)}  # fmt: skip
    assert len(digits) >= 10
    assert digits <= banned | set(tokenizer.all_special_ids)
    assert not banned & set(tokenizer("where is your parcel {thing}")["input_ids"])


@pytest.mark.parametrize("kind", ["writer", "causal"])
def test_what_is_written_beside_a_longer_conversation_is_what_is_written_alone(kind, tiny, qwen):
    if kind == "writer":
        net, tokenizer = load_writer(resolve_encoder(tiny), talk(tiny))
        network = net.network
    else:
        network = Qwen3ForCausalLM.from_pretrained(qwen)
        tokenizer = load_tokenizer(resolve_encoder(qwen))
    torch.manual_seed(0)
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.3)  # so that every place matters
    talker = Talker(network, tokenizer, kind, 64, 12)
    short, long = (Situation((Turn("customer", "where is parcel " * n),)) for n in (1, 9))
    (alone,) = talker.nats([short], ["it is on its way"])
    beside, _ = talker.nats([short, long], ["it is on its way"] * 2)
    assert beside == pytest.approx(alone, rel=1e-3)


def test_a_conversation_longer_than_the_window_keeps_its_end(qwen, data, tmp_path):
    run = train(talk(qwen), data, tmp_path / "run").run
    model = DialogueModel(run.root, threads=1)
    turns = tuple(Turn("customer" if place % 2 == 0 else "agent", "where is it " * 40)
                  for place in range(61))  # fmt: skip
    assert len(model.write_all([Situation(turns)])) == 1
    assert model.nats([Situation(turns)], ["your shoes"])[0, 1] > 0


def test_only_the_agent_s_words_are_learned(qwen, data):
    config = talk(qwen, max_tokens=512, dialogue={"max_target_tokens": 32})
    rows = read_dialogues(data / "train.jsonl")
    tokenizer = AutoTokenizer.from_pretrained(qwen)
    tokenizer.chat_template = TEMPLATE
    first = causal_rows(rows, tokenizer, config)[0]
    learned = tokenizer.decode([each for each in first["labels"] if each >= 0])
    assert learned.replace(" ", "") == "your{thing}isonitsway,{a}.[SEP]"
    whole = tokenizer.decode(first["input_ids"]).replace(" ", "")
    assert "whereisparcel{a}" in whole
    assert "1000" not in whole


def test_of_a_long_conversation_the_end_is_read_and_of_a_long_answer_the_beginning_learned(tiny):
    asked = Situation((Turn("customer", "parcel " * 90 + "where is it"),))
    row = Example("", answer="it is on its way " + "parcel " * 90, situation=asked)
    config = talk(tiny, max_tokens=16)
    net, tokenizer = load_writer(resolve_encoder(tiny), config)
    tokenizer.truncation_side = "left"
    start = net.network.config.decoder_start_token_id
    (read,) = token_rows([row], tokenizer, start, config)
    assert tokenizer.decode(read["input_ids"], skip_special_tokens=True).endswith("where is it")
    assert len(read["labels"]) == SHORT["max_target_tokens"] - 1
    learned = tokenizer.decode(read["labels"], skip_special_tokens=True)
    assert learned.startswith("it is on its way")
    assert tokenizer.truncation_side == "left"


def test_packed_rows_give_the_loss_of_rows_by_themselves(qwen, data, tmp_path):
    rows = read_dialogues(data / "train.jsonl")
    splits = Splits(rows, rows[:2], [])
    losses = []
    for pack in (False, True):
        config = talk(qwen, dialogue={**SHORT, "pack": pack}, max_tokens=2048,
                      optim={"batch_size": 1, "precision": "fp32"})  # fmt: skip
        trainer = causal_trainer(config, splits, RunDir(tmp_path / str(pack)))
        total = count = 0.0
        for batch in trainer.get_train_dataloader():
            with torch.no_grad():
                loss = trainer.compute_loss(trainer.model, dict(batch))
            learned = int((batch["labels"] >= 0).sum())
            total, count = total + float(loss) * learned, count + learned
        losses.append((total / count, count, len(trainer.train_dataset)))
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-4)
    assert losses[0][1] == losses[1][1]
    assert losses[1][2] < losses[0][2]


def test_an_adapter_of_another_base_a_changed_and_a_missing_template_are_a_line_each(
    qwen, data, tmp_path
):
    base = shutil.copytree(qwen, tmp_path / "base")
    run = train(talk(str(base), "lora"), data, tmp_path / "run").run
    DialogueModel(run.root, threads=1)
    template = run.tokenizer / "chat_template.jinja"
    kept = template.read_text(encoding="utf-8")
    template.write_text(kept + "!", encoding="utf-8")
    with pytest.raises(RunDirError, match="chat template changed"):
        DialogueModel(run.root, threads=1)
    template.unlink()
    with pytest.raises(RunDirError, match="chat template is missing"):
        DialogueModel(run.root, threads=1)
    template.write_text(kept, encoding="utf-8")
    torch.manual_seed(1)
    config = Qwen3ForCausalLM.from_pretrained(qwen).config
    Qwen3ForCausalLM(config).save_pretrained(base)
    with pytest.raises(RunDirError, match="other weights"):
        DialogueModel(run.root, threads=1)


def test_logs_that_teach_nothing_are_a_line(tiny, tmp_path):
    one_sided = [{"id": "c1", "turns": [{"speaker": "customer", "text": "hello"}]}]
    with pytest.raises(LogFormatError, match="no "):
        describe(talk(tiny), write_lines(tmp_path / "a.jsonl", one_sided))
    invented = [
        {"id": f"c{place}", "turns": [{"speaker": "customer", "text": "when"},
                                      {"speaker": "agent", "text": f"on the {place + 10}th"}]}
        for place in range(9)
    ]  # fmt: skip
    with pytest.raises(LogFormatError, match="fewer than two answers can be learned from"):
        describe(talk(tiny), write_lines(tmp_path / "b.jsonl", invented))


def test_qlora_without_cuda_is_a_line(qwen, data):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ConfigError, match="need a CUDA device"):
        describe(talk(qwen, "qlora"), data)


class Parrot:
    """Writes what it was given, whatever is asked."""

    def __init__(self, said):
        self.said = said

    def write_all(self, situations):
        return [self.said] * len(situations)


def test_the_leak_test_finds_what_a_model_gives_away_and_nothing_else(data):
    rows = read_dialogues(data / "train.jsonl")
    assert secret_values(rows) == [str(1000 + place) for place in range(len(THINGS))]
    assert leaks_of(Parrot("Hello!"), rows)["green"]
    found = leaks_of(Parrot("It is 1003."), rows)
    assert (found["green"], found["found"], found["values"]) == (False, 1, len(THINGS))
