"""Preference tuning of a causal dialogue run, on models made on the spot."""

import json
import math
import shutil

import pytest
import torch
from transformers import AutoTokenizer

from apps.verbs.evaluate import evaluate_path
from data.errors import ConfigError, LogFormatError, RunDirError
from finetune.config import TrainConfig, train_config
from finetune.dialogue.model import DialogueModel
from finetune.dialogue.preference_scores import drops
from finetune.dialogue.preferences import pair_rows, preference_trainer, thumb_rows
from finetune.dialogue.start import as_started
from finetune.reading import Splits
from finetune.reading.preferences import read_preferences
from finetune.run_dir import RunDir
from finetune.train import describe, train
from tests.conftest import THINGS, finite, log_rows, names_a_thing, small, write_lines
from tests.test_dialogue import SHORT, dialogue_rows

pytestmark = pytest.mark.usefixtures("here")


def said(text, **values):
    return [{"speaker": "agent", "text": text, **values}]


def rows_of(kind, things=THINGS):
    rows = []
    for number, thing in enumerate(things):
        row = {
            "id": f"f{number}:1",
            "prompt": [{"speaker": "customer", "text": f"where is parcel {1000 + number}"}],
            "passages": [{"id": "p", "title": "shop", "text": f"the {thing} shop"}],
            "step": "generate",
        }
        good, bad = f"your {thing} is on its way, {1000 + number}", f"forgot {thing} my account"
        if kind == "dpo":
            rows.append({**row, "chosen": said(good), "rejected": said(bad)})
        else:
            up = number % 2 == 0
            rows.append({**row, "completion": said(good if up else bad), "label": up})
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("feedback")
    for kind in ("kto", "dpo"):
        for split in ("train", "validation", "test"):
            write_lines(root / kind / f"{split}.jsonl", rows_of(kind))
    return root


@pytest.fixture(scope="module")
def starts(qwen, tmp_path_factory):
    """A causal run by each method that the two references go with."""
    root = tmp_path_factory.mktemp("starts")
    for split in ("train", "validation"):
        write_lines(root / "talks" / f"{split}.jsonl", dialogue_rows())
    runs = {}
    for method in ("lora", "full"):
        optim = {"batch_size": 4, "max_steps": 2, "lr": {"lora": 3e-2, "full": 1e-3}[method]}
        config = small("dialogue", qwen, method, optim, max_tokens=64,
                       dialogue={"max_target_tokens": 24, "scored_rows": 4,
                                 "step": "given"})  # fmt: skip
        runs[method] = train(config, root / "talks", root / method).run.root
    return runs


def preferring(kind, start, optim=None, **values):
    dialogue = {"objective": kind, "start": str(start), "scored_rows": 4, **values}
    return small("dialogue", "another/name", **({"optim": optim} if optim else {}),
                 dialogue=dialogue)  # fmt: skip


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("kind", ["kto", "dpo"])
def test_two_steps_give_a_run_that_is_measured_against_its_start(
    kind, method, starts, data, tmp_path, capfd, caplog
):
    out = tmp_path / "better"
    done = train(preferring(kind, starts[method], preference_lr=1e-3), data / kind, out)

    run, start = RunDir(out), RunDir(starts[method])
    assert run.check("dialogue") == "dialogue"
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    held = {"lora": "adapter", "full": "network"}[method]
    assert {path.name for path in run.weights.iterdir()} == {held, "sha256.json"}
    assert {path.name for path in (run.weights / held).rglob("*") if path.is_dir()} == set()
    made, old = run.read_config()["train"], start.read_config()["train"]
    assert [made[key] for key in ("encoder", "method", "max_tokens")] == [
        old[key] for key in ("encoder", "method", "max_tokens")
    ]
    for path in (run.base, run.calibration):
        assert path.read_bytes() == (starts[method] / path.name).read_bytes()
    test = done.metrics["test"]
    told = ["preference_accuracy"] if kind == "dpo" else [
        "liked_log_likelihood", "disliked_log_likelihood"]  # fmt: skip
    for stage in ("before", "after"):
        assert list(test[stage])[:3] == ["n", "perplexity", "bleu"]
        assert set(told) < set(test[stage])
    assert test["before"]["perplexity"] != test["after"]["perplexity"]
    assert finite(done.metrics)
    first = next(row for row in log_rows(run) if "loss_nats" in row or "train_loss" in row)
    # A policy that is its own reference: -log 1/2, and 1 - 1/2.
    assert first["train_loss"] == pytest.approx({"dpo": 0.693, "kto": 0.5}[kind], abs=0.05)
    assert "Leak test" in run.report.read_text(encoding="utf-8")
    assert evaluate_path(out, data / kind / "test.jsonl")["n"] == 4
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # customers' words are never logged


@pytest.mark.parametrize("method", ["lora", "full"])
def test_four_pairs_are_learned(method, starts, tmp_path):
    rows = rows_of("dpo", THINGS[:4])
    for row in rows[:2]:  # as likely as not before
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", rows)
    optim = {"batch_size": 4, "epochs": 60, "schedule": "constant"}
    config = preferring("dpo", starts[method], optim, preference_lr=5e-3)
    found = train(config, tmp_path, tmp_path / "run").metrics["validation"]
    assert found["before"]["preference_accuracy"] < 1
    assert found["after"]["preference_accuracy"] == 1


def test_a_run_that_forgets_its_answers_says_so(starts, data, tmp_path, caplog):
    talks = write_lines(tmp_path / "talks.jsonl", dialogue_rows())
    rows = rows_of("dpo")
    for row in rows:  # what it wrote well is what is turned down
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    write_lines(tmp_path / "rows" / "train.jsonl", rows)
    write_lines(tmp_path / "rows" / "validation.jsonl", rows)
    optim = {"batch_size": 4, "max_steps": 20, "schedule": "constant"}
    config = preferring("dpo", starts["lora"], optim, preference_lr=2e-2)
    done = train(config, tmp_path / "rows", tmp_path / "run", talks)
    before, after = done.metrics["test"]["before"], done.metrics["test"]["after"]
    assert after["perplexity"] > before["perplexity"] * 1.05
    for page in (done.run.report, done.run.card):
        assert "Held-out answers of the test rows became less likely" in page.read_text("utf-8")
    assert "became less likely" in caplog.text
    allowed = preferring("dpo", starts["lora"], most_drop=1e9)
    assert drops(done.run.root, allowed) == []

    kept = train(preferring("dpo", starts["lora"], preference_lr=1e-9), data / "dpo",
                 tmp_path / "kept", talks)  # fmt: skip
    assert "became less likely" not in kept.run.card.read_text("utf-8")
    same = kept.metrics["test"]
    assert same["after"]["perplexity"] == pytest.approx(same["before"]["perplexity"], rel=1e-3)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_reference_is_the_start_as_it_was(method, starts, data, tmp_path):
    config = as_started(preferring("dpo", starts[method]))
    rows = read_preferences(data / "dpo" / "train.jsonl", "dpo")
    trainer = preference_trainer(config, Splits(rows, rows[:2], []), RunDir(tmp_path))
    batch = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        loss = float(trainer.compute_loss(trainer.model, batch))
        assert loss == pytest.approx(math.log(2), abs=1e-6)
        for name, weight in trainer.model.named_parameters():
            assert not (".ref." in name and weight.requires_grad)
            if ".ref." in name:
                weight.zero_()  # what the base model alone would be as a reference
        again = float(trainer.compute_loss(trainer.model, batch))
    assert (again != pytest.approx(loss, abs=1e-4)) == (method == "lora")


def test_rows_hold_placeholders_and_no_values(starts, data):
    config = as_started(preferring("dpo", starts["lora"]))
    tokenizer = AutoTokenizer.from_pretrained(RunDir(starts["lora"]).tokenizer)
    config = config.model_copy(update={"max_tokens": 512})

    def text(ids):
        return tokenizer.decode(ids).replace(" ", "")

    pairs = read_preferences(data / "dpo" / "train.jsonl", "dpo")
    pair = pair_rows(pairs, tokenizer, config)[0]
    assert text(pair["chosen_ids"]) == "yourshoesisonitsway,{a}[SEP]"
    assert text(pair["rejected_ids"]) == "forgotshoesmyaccount[SEP]"
    assert "whereisparcel{a}" in text(pair["prompt_ids"])
    assert "passage:shop.theshoesshop" in text(pair["prompt_ids"])
    assert "1000" not in text(pair["prompt_ids"])
    thumbs = thumb_rows(read_preferences(data / "kto" / "train.jsonl", "kto"), tokenizer, config)
    assert thumbs["label"].count(True) == 5
    assert all(row["completion_ids"] != row["KL_completion_ids"] for row in thumbs)


def test_wrong_rows_are_a_line_each(starts, data, tmp_path):
    def refused(kind, rows, match):
        path = write_lines(tmp_path / f"{match[:9]}.jsonl".replace("'", ""), rows)
        with pytest.raises(LogFormatError, match=match) as error:
            describe(preferring(kind, starts["lora"]), path)
        assert "\n" not in str(error.value)
        assert not names_a_thing(str(error.value))

    pairs, thumbs = rows_of("dpo"), rows_of("kto")
    refused("dpo", dialogue_rows(), "no pairs to learn from")
    invented = [{**row, "chosen": said("on the 12th")} for row in pairs]
    refused("dpo", invented, "no pairs to learn from")
    refused("kto", [row for row in thumbs if row["label"]], "thumbs up and thumbs down")
    refused("dpo", thumbs, "no 'chosen'")
    refused("kto", pairs, "no 'completion'")
    refused("kto", [{**row, "label": "up"} for row in thumbs], "'label' must be true or false")
    refused("dpo", [{**row, "prompt": "hello"} for row in pairs], "'prompt' is no list of turns")
    refused("dpo", [{**row, "rejected": []} for row in pairs], "'rejected' must be a list of one")
    refused("dpo", [{**row, "passages": [3]} for row in pairs], "'passages' must be a list")


def test_a_start_that_will_not_do_is_a_line(starts, data, tmp_path):
    with pytest.raises(RunDirError, match="no such run"):
        describe(preferring("dpo", tmp_path / "none"), data / "dpo")
    other = shutil.copytree(starts["lora"], tmp_path / "other")
    kind = RunDir(other).calibration
    kind.write_text(json.dumps({"kind": "writer"}), encoding="utf-8")
    with pytest.raises(RunDirError, match="not a causal dialogue run"):
        describe(preferring("dpo", other), data / "dpo")
    config = RunDir(other).config
    config.write_text(config.read_text("utf-8").replace("task: dialogue", "task: summary"), "utf-8")
    with pytest.raises(RunDirError, match="a run of task summary, dialogue is needed"):
        describe(preferring("dpo", other), data / "dpo")
    for key in ("objective=dpo", "start=runs/dialogue"):
        with pytest.raises(ConfigError, match="go together"):
            train_config("dialogue", overrides=[f"dialogue.{key}"])
    alone = preferring("kto", starts["lora"], {"batch_size": 1})
    with pytest.raises(ConfigError, match="2 at least"):
        describe(alone, data / "kto")


def test_test_rows_with_thumbs_down_alone_do_not_undo_a_training(starts, data, tmp_path):
    rows = rows_of("kto")
    write_lines(tmp_path / "rows" / "train.jsonl", rows)
    write_lines(tmp_path / "rows" / "validation.jsonl", rows)
    write_lines(tmp_path / "rows" / "test.jsonl", [row for row in rows if not row["label"]])
    found = train(preferring("kto", starts["full"]), tmp_path / "rows", tmp_path / "run").metrics
    assert found["test"]["baseline"] == {"n": 0}
    assert set(found["test"]["after"]) == {"n", "disliked_log_likelihood"}
    assert found["validation"]["after"]["n"] == 4


def test_a_run_tuned_from_preferences_is_a_start_itself(starts, data, tmp_path):
    first = train(preferring("dpo", starts["lora"]), data / "dpo", tmp_path / "a").run.root
    second = train(preferring("kto", first), data / "kto", tmp_path / "b").run.root
    assert isinstance(
        TrainConfig.model_validate(RunDir(second).read_config()["train"]), TrainConfig
    )
    rows = read_preferences(data / "kto" / "test.jsonl", "kto")
    assert len(DialogueModel(second, threads=1).write_all([rows[0].situation])) == 1
    assert SHORT["max_target_tokens"] == 12  # the start's own is 24, and stays
    made = RunDir(second).read_config()["train"]["dialogue"]
    assert (made["max_target_tokens"], made["step"]) == (24, "given")
