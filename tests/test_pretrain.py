"""The task that teaches an encoder a company's words, and the tasks that start from it."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoTokenizer

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_texts
from data.encoders import resolve_encoder
from data.errors import ConfigError, EncoderError, LogFormatError, RunDirError
from finetune.config import TrainConfig
from finetune.encoder import Pooled, load_encoder
from finetune.intent.model import IntentModel
from finetune.methods import METHODS
from finetune.pretrain import task
from finetune.pretrain.half_matching import half_matches
from finetune.pretrain.masked_net import MaskedNet, fit_head, guesses, word_metrics
from finetune.pretrain.masking import Masker, Remover, windows
from finetune.pretrain.task import notes
from finetune.reading.unlabelled import read_unlabelled
from finetune.run_dir import RunDir
from finetune.serving import encoder_of
from finetune.train import describe, train
from tests.conftest import (
    SMALL,
    THINGS,
    finite,
    intent_rows,
    names_a_thing,
    reply_rows,
    small,
    write_lines,
)
from tests.test_resume import cut_off

pytestmark = pytest.mark.usefixtures("here")
LONG = [
    f"where is parcel {thing} when does it arrive give me my money back" for thing in THINGS
]  # fmt: skip
CELLS = [("masked", method) for method in METHODS["pretrain"]] + [
    ("denoising", "full"),
    ("denoising", "lora"),
    ("denoising", "frozen_embeddings"),
    ("denoising", "top_layers"),
]


def brief(encoder, method="full", objective="masked", **values):
    pretrain = {"objective": objective, "head_steps": 3, **values.pop("pretrain", {})}
    return small("pretrain", encoder, method, pretrain=pretrain, **values)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with conversations, and a validation file of texts."""
    root = tmp_path_factory.mktemp("texts")
    write_lines(root / "train.jsonl", reply_rows())
    (root / "validation.txt").write_text("\n".join([*LONG, "", "ok"]), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def masker(tiny):
    return Masker(AutoTokenizer.from_pretrained(tiny), 0.3)


@pytest.mark.parametrize(("objective", "method"), CELLS)
def test_two_steps_give_an_encoder_that_a_later_task_takes(
    objective, method, tiny, data, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "mine"
    done = train(brief(tiny, method, objective), data, out)

    run = RunDir(out)
    assert run.check("pretrain") == "pretrain"
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    assert {path.name for path in run.weights.iterdir()} == {
        "encoder", "head.safetensors", "sha256.json",
    }  # fmt: skip
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    assert metrics == done.metrics
    stages = metrics["validation"]
    assert set(stages["after"]) == {
        "n", "masked_accuracy", "loss", "perplexity", "halves_recall_at_1",
    }  # fmt: skip
    assert set(stages) == {"baseline", "before", "after", "intervals"}
    assert finite(stages)
    old = load_file(resolve_encoder(tiny).path / "model.safetensors")
    new = load_file(run.encoder / "model.safetensors")
    assert set(new) == set(old)
    changed = {name for name in old if not np.array_equal(old[name], new[name])}
    assert changed
    assert not any("pooler" in name for name in changed)
    kept = method in ("frozen_embeddings", "top_layers", "lora")
    assert kept != ("embeddings.word_embeddings.weight" in changed)
    assert load_encoder(resolve_encoder(str(out)))[0].config.hidden_size == 32
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # customers' words are never logged


def test_a_later_intent_run_starts_from_it_and_refuses_other_weights(tiny, data, tmp_path):
    out = tmp_path / "mine"
    train(brief(tiny), data, out)
    rows = write_lines(tmp_path / "intents.jsonl", intent_rows())
    for method in ("head", "full"):
        later = train(small("intent", str(out), method), rows, tmp_path / method).run
        base = json.loads(later.base.read_text())
        assert base == {
            "encoder": str(out),
            "fingerprint": resolve_encoder(str(out)).fingerprint,
        }
    head = tmp_path / "head"
    assert IntentModel(head, encoder_of, 1).predict(["where is my parcel"])[0].top

    train(brief(tiny, seed=1, optim={**SMALL, "lr": 1e-2}), data, out)
    with pytest.raises(EncoderError, match="its head was trained on other weights of"):
        IntentModel(head, encoder_of, 1)

    file = out / "weights" / "encoder" / "model.safetensors"
    values = load_file(file)
    save_file({name: value + 1 for name, value in values.items()}, file)
    for use in (
        lambda: resolve_encoder(str(out)),
        lambda: train(small("intent", str(out), "head"), rows, tmp_path / "again"),
    ):
        with pytest.raises(EncoderError, match="changed since it was trained; train the run"):
            use()
    file.unlink()
    with pytest.raises(EncoderError, match="no model.safetensors"):
        resolve_encoder(str(out))


def test_a_reply_run_is_an_encoder_for_later_tasks_where_it_holds_a_whole_one(tiny, tmp_path):
    rows = write_lines(tmp_path / "r.jsonl", reply_rows())
    write_lines(tmp_path / "set" / "train.jsonl", reply_rows())
    write_lines(tmp_path / "set" / "validation.jsonl", reply_rows())
    out = train(small("reply", tiny), tmp_path / "set", tmp_path / "reply").run.root
    assert encoder_of(str(out), 1).fingerprint == resolve_encoder(str(out)).fingerprint
    intents = write_lines(tmp_path / "i.jsonl", intent_rows())
    head = train(small("intent", str(out), "head"), intents, tmp_path / "intent").run.root
    assert IntentModel(head, encoder_of, 1).predict(["where is my parcel"])[0].top
    with pytest.raises(EncoderError, match="a run of task intent; an encoder comes from a run of"):
        resolve_encoder(str(head))
    train(small("reply", tiny, "lora"), tmp_path / "set", tmp_path / "adapter")
    with pytest.raises(EncoderError, match="holds no whole encoder; train it again"):
        resolve_encoder(str(tmp_path / "adapter"))
    assert rows.exists()


def test_a_pretrain_run_predicts_nothing_and_is_evaluated_on_texts(tiny, data, tmp_path):
    run = train(brief(tiny), data, tmp_path / "run").run
    with pytest.raises(RunDirError, match="runs of task pretrain do not predict"):
        list(predict_texts(run.root, ["a"]))
    metrics = evaluate_path(run.root, data / "validation.txt")
    assert metrics == json.loads(run.metrics.read_text())["validation"]["after"]


def test_only_hidden_words_count_and_no_special_is_ever_hidden(masker):
    tokenizer = masker.tokenizer
    rows, _ = windows(LONG, tokenizer, 32)
    full = [row["input_ids"].tolist() for row in rows if len(row["input_ids"]) == 15]
    ids = torch.tensor(full)
    special = (ids == 2) | (ids == 3)
    for _ in range(50):
        read, labels = masker.hide(ids, special.long())
        chosen = labels >= 0
        assert not (chosen & special).any()
        assert (labels[chosen] == ids[chosen]).all()
        assert (read[~chosen] == ids[~chosen]).all()
        assert chosen.sum(1).tolist() == [4] * len(ids)  # 0.3 of 13 words
        others = read[chosen & (read != tokenizer.mask_token_id)]
        assert not set(others.tolist()) & set(tokenizer.all_special_ids)


def test_eight_in_ten_hidden_words_are_masked_and_each_pass_hides_others(masker):
    ids = torch.full((200, 50), 20)
    read, labels = masker.hide(ids, torch.zeros_like(ids))
    chosen = labels >= 0
    masked = (read == masker.tokenizer.mask_token_id)[chosen].float().mean()
    assert float(masked) == pytest.approx(0.8, abs=0.03)
    assert float((read == 20)[chosen].float().mean()) == pytest.approx(0.1, abs=0.03)
    assert not torch.equal(labels, masker.hide(ids, torch.zeros_like(ids))[1])
    rows = [{"input_ids": [2, 20, 21, 22, 3], "special": [1, 0, 0, 0, 1]}] * 5
    one, two, other = (
        [row["labels"].tolist() for row in masker.hidden(rows, s)] for s in (0, 0, 1)
    )
    assert one == two
    assert one != other


def test_the_loss_is_that_of_the_hidden_words_alone(tiny, masker):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = MaskedNet(encoder, 32).eval()
    fixed = masker.hidden(windows(LONG[:3], tokenizer, 32)[0], seed=0)
    batch = masker.collate(fixed)
    found = net(**batch)
    assert found["logits"].shape == ((batch["labels"] >= 0).sum(), len(net.bias))
    config = brief(tiny, device="cpu")
    rows = guesses(net, fixed, masker, config)
    metrics = word_metrics(rows)
    assert metrics["loss"] == pytest.approx(found["loss"].item(), rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(np.exp(metrics["loss"]))
    assert rows[:, 2].sum() == (batch["labels"] >= 0).sum()


def test_the_head_is_tied_to_the_table_of_words_and_fitted_without_the_encoder(tiny, masker):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = MaskedNet(encoder, 32)
    assert net.words() is encoder.get_input_embeddings().weight
    assert not any(value.shape == net.words().shape for value in net.head().values())
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    rows, _ = windows(LONG, tokenizer, 32)
    fixed = masker.hidden(rows, seed=0)
    config = brief(tiny, pretrain={"head_steps": 60}, device="cpu")
    loss = word_metrics(guesses(net, fixed, masker, config))["loss"]
    fit_head(net, rows, masker, config)
    assert word_metrics(guesses(net, fixed, masker, config))["loss"] < 0.8 * loss
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name])


def test_an_estimate_does_not_wait_for_the_head_to_be_fitted(tiny, data, tmp_path, monkeypatch):
    fitted = []
    monkeypatch.setattr(task, "fit_head", lambda *given: fitted.append(1) or fit_head(*given))
    assert describe(brief(tiny), data)["steps"] > 0
    assert not fitted
    train(brief(tiny), data, tmp_path / "mine")
    assert len(fitted) == 2  # before it is tuned, and to score the untuned encoder


def test_texts_are_cut_some_at_a_time_into_small_arrays(masker, monkeypatch):
    asked = []

    def count(texts, **options):
        asked.append(len(texts))
        return masker.tokenizer(texts, **options)

    whole, owners = windows(LONG, masker.tokenizer, 8)
    monkeypatch.setattr("finetune.pretrain.masking._CHUNK", 3)
    rows, parts = windows(LONG, count, 8)
    assert max(asked) == 3
    assert sum(asked) == len(LONG)
    assert parts == owners
    for row, other in zip(rows, whole, strict=True):
        assert row["input_ids"].tolist() == other["input_ids"].tolist()
        assert row["special"].tolist() == other["special"].tolist()
        assert row["input_ids"].dtype == np.int32


@pytest.mark.slow
def test_four_texts_are_learned_by_heart(tiny, tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("\n".join(LONG[:4]))
    (tmp_path / "validation.txt").write_text("\n".join(LONG[:4]))
    optim = {"batch_size": 4, "epochs": 200, "lr": 3e-3, "schedule": "constant"}
    metrics = train(brief(tiny, optim=optim), tmp_path, tmp_path / "run").metrics["validation"]
    assert metrics["after"]["masked_accuracy"] > 0.85  # which thing it was cannot be guessed
    assert metrics["after"]["loss"] < metrics["before"]["loss"] / 2


def test_denoising_writes_the_whole_text_from_a_part_of_it(tiny):
    remover = Remover(pad=0, share=0.6)
    rows = [{"input_ids": [2, *range(20, 60), 3], "special": [1, *[0] * 40, 1]},
            {"input_ids": [2, 9, 3], "special": [1, 0, 1]}]  # fmt: skip
    lengths = []
    for _ in range(30):
        batch = remover.collate(rows)
        assert batch["labels"].tolist()[0] == rows[0]["input_ids"]
        kept = batch["input_ids"][0][batch["attention_mask"][0] == 1].tolist()
        assert kept[0] == 2
        assert kept[-1] == 3
        assert kept == sorted(kept[:-1]) + [3]
        assert batch["input_ids"][1][:3].tolist() == [2, 9, 3]  # one word is always left
        lengths.append(len(kept) - 2)
    assert np.mean(lengths) == pytest.approx(16, abs=2)


def test_a_long_text_is_read_to_its_end(tiny, masker, tmp_path):
    text = ("where is my parcel " * 5_300)[:100_000]
    path = write_lines(tmp_path / "r.jsonl", [{"text": text}, {"text": "where"}])
    examples = read_unlabelled(path)
    rows, owners = windows([each.text for each in examples], masker.tokenizer, 32)
    assert set(owners) == {0}  # one word has nothing to be guessed from
    assert sum((row["special"] == 0).sum() for row in rows) >= 21_050
    assert max(len(row["input_ids"]) for row in rows) == 32
    write_lines(tmp_path / "set" / "train.jsonl", [{"text": text}])
    write_lines(tmp_path / "set" / "validation.jsonl", [{"text": text}])
    metrics = train(brief(tiny), tmp_path / "set", tmp_path / "run").metrics["validation"]
    assert finite(metrics)
    assert "halves_recall_at_1" not in metrics["after"]  # one text has no rivals


def test_turns_columns_and_lines_are_read(tmp_path):
    turns = [{"speaker": "customer", "text": "hi"}, {"speaker": "agent", "text": " "}]
    path = write_lines(tmp_path / "a.jsonl", [{"id": "1", "turns": turns}, {"text": "yes"}])
    assert [each.text for each in read_unlabelled(path)] == ["hi", "yes"]
    (tmp_path / "b.csv").write_text("text,words\na,b c\n,d e\n")
    assert [each.text for each in read_unlabelled(tmp_path / "b.csv", "words")] == ["b c", "d e"]
    assert [each.text for each in read_unlabelled(tmp_path / "b.csv")] == ["a"]
    (tmp_path / "c.txt").write_text("one\n\n two \n")
    (first, second) = read_unlabelled(tmp_path / "c.txt")
    assert (first.text, second.where) == ("one", f"{tmp_path / 'c.txt'}:3")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label": "a"}, ":2: no column 'text' and no 'turns'; found: label"),
        ({"text": ["a"]}, ":2: 'text' holds a list"),
        ({"turns": [{"speaker": "me", "text": "a"}]}, ":2: unknown 'speaker'"),
        ({"turns": []}, ":2: no 'turns' list"),
        ({"text": "a" * 100_001}, ":2: 100,001 characters"),
    ],
)
def test_a_row_without_a_text_is_refused_with_its_line(row, why, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", [{"text": "a"}, row])
    with pytest.raises(LogFormatError) as caught:
        read_unlabelled(path)
    assert str(caught.value).startswith(f"{path}{why}")
    assert "\n" not in str(caught.value)


def test_a_file_of_empty_or_single_words_is_refused(tiny, tmp_path):
    (tmp_path / "blank.txt").write_text(" \n\n")
    with pytest.raises(LogFormatError, match="no rows to learn from"):
        read_unlabelled(tmp_path / "blank.txt")
    (tmp_path / "words.txt").write_text("where\nis\nparcel\nmoney\n")
    with pytest.raises(LogFormatError, match="no text of two words or more"):
        train(brief(tiny), tmp_path / "words.txt", tmp_path / "run")


def test_auto_tunes_everything(tiny, data, tmp_path):
    config = brief(tiny).model_copy(update={"method": "auto"})
    run = train(config, data, tmp_path / "run").run
    assert run.read_config()["train"]["method"] == "full"


def test_a_tokenizer_without_a_mask_is_refused(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.mask_token = None
    with pytest.raises(ConfigError, match="has no mask token; use pretrain.objective=denoising"):
        Masker(tokenizer, 0.15)


def test_a_method_that_leaves_no_whole_encoder_is_refused():
    with pytest.raises(ValueError, match="method prompt is not offered for task pretrain"):
        TrainConfig(task="pretrain", method="prompt")


def test_halves_are_matched_among_texts_that_are_long_enough(tiny):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    texts = [*LONG[:3], "too short", LONG[0]]
    found = half_matches(Pooled(encoder), tokenizer, texts, 32)
    assert np.isnan(found).tolist() == [False, False, False, True, True]
    assert set(found[:3]) <= {0.0, 1.0}
    assert np.isnan(half_matches(Pooled(encoder), tokenizer, texts[2:4], 32)).all()


def test_the_report_says_so_where_vectors_of_texts_got_worse(tiny, data, tmp_path, monkeypatch):
    assert notes({"halves_recall_at_1": 0.5}, {"halves_recall_at_1": 0.5}) == []
    assert notes({}, {"halves_recall_at_1": 0.5}) == []
    (note,) = notes({"halves_recall_at_1": 0.5}, {"halves_recall_at_1": 0.25})
    assert "25.0% of cases, 50.0% before" in note
    monkeypatch.setattr("finetune.pretrain.task.notes", lambda before, after: [note])
    run = train(brief(tiny), data, tmp_path / "run").run
    assert "<p class=warn>Vectors of whole texts got worse" in run.report.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["masked", "denoising"])
def test_one_that_was_cut_off_resumes_to_the_same_weights(objective, tiny, data, tmp_path):
    config = brief(tiny, objective=objective, optim={"batch_size": 8, "epochs": 3, "lr": 1e-3})
    whole = train(config, data, tmp_path / "whole").run
    cut_off(config, data, tmp_path / "cut")
    resumed = train(config, data, tmp_path / "cut", resume=True).run
    wanted = load_file(whole.encoder / "model.safetensors")
    for name, value in load_file(resumed.encoder / "model.safetensors").items():
        np.testing.assert_allclose(value, wanted[name], atol=1e-5, err_msg=name)
