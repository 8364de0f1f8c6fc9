"""The task that writes one text for another, on models made on the spot."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_texts, read_texts
from data.encoders import resolve_encoder
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import Example
from finetune.methods import METHODS
from finetune.reading.summaries import read_summaries
from finetune.run_dir import RunDir
from finetune.summary.model import SummaryModel
from finetune.summary.scores import lead, rouge, score_written
from finetune.summary.writer_net import collate, load_writer
from finetune.train import train
from finetune.trainable import parameter_groups
from tests.conftest import SMALL, THINGS, finite, names_a_thing, small, write_lines
from tests.test_resume import cut_off

pytestmark = pytest.mark.usefixtures("here")
ROOT = Path(__file__).parents[1]
LONG = {"batch_size": 4, "epochs": 150, "lr": 3e-3, "label_smoothing": 0.0, "schedule": "constant"}


def brief(encoder, method="full", **values):
    return small("summary", encoder, method, **{"summary": {"max_target_tokens": 6}, **values})


def summary_rows(things=THINGS):
    return [
        {
            "text": f"where is parcel {thing}. when does it arrive. give me my money back. please",
            "summaries": [f"your {thing} is on its way", f"where is {thing}"],
        }
        for thing in things
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with the three splits."""
    root = tmp_path_factory.mktemp("summaries")
    for split in ("train", "validation", "test"):
        write_lines(root / f"{split}.jsonl", summary_rows())
    return root


@pytest.fixture(scope="module")
def t5(tiny, tmp_path_factory):
    """The folder of a T5 of two layers with the tokenizer of `tiny`."""
    folder = tmp_path_factory.mktemp("t5")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
        dropout_rate=0.0, pad_token_id=0, decoder_start_token_id=2, eos_token_id=3,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["encoder", "t5"])
@pytest.mark.parametrize("method", [each for each in METHODS["summary"] if each != "head"])
def test_two_steps_give_a_complete_run_that_writes(
    kind, method, tiny, t5, data, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "mine"
    base = {"encoder": tiny, "t5": t5}[kind]
    done = train(brief(base, method), data, out)

    run = RunDir(out)
    assert run.check("summary") == "summary"
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    extra = {"adapter"} if method in ("prefix", "prompt") else set()
    assert {path.name for path in run.weights.iterdir()} == {"network", "sha256.json"} | extra
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    assert metrics == done.metrics
    for stages in metrics.values():
        assert set(stages) == {"baseline", "before", "after", "intervals"}
        assert set(stages["after"]) == {"n", "rouge1", "rouge2", "rougeL"}
        assert finite(stages)
    rows = list(predict_texts(out, ["where is parcel shoes", ""]))
    assert [set(row) for row in rows] == [{"text", "summary"}] * 2
    assert rows[1]["summary"] == ""
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # customers' words are never logged


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "t5"])
@pytest.mark.parametrize("beams", [1, 3])
def test_four_pairs_are_written_word_for_word(kind, beams, tiny, t5, tmp_path):
    rows = [
        {"text": f"where is parcel {thing}?", "summary": f"your {thing} is on its way, please!"}
        for thing in THINGS[:4]
    ]
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", rows)
    config = small("summary", {"encoder": tiny, "t5": t5}[kind], optim=LONG,
                   summary={"beams": beams})  # fmt: skip
    run = train(config, tmp_path, tmp_path / "run").run
    written = SummaryModel(run.root, threads=1).write([row["text"] for row in rows])
    assert written == [row["summary"] for row in rows]
    assert json.loads(run.metrics.read_text())["validation"]["after"]["rougeL"] == 1.0
    assert evaluate_path(run.root, tmp_path / "train.jsonl")["rouge2"] == 1.0


def test_what_starts_from_random_numbers_learns_faster(tiny):
    config = small("summary", tiny, summary={"new_rate": 7.0})
    net, _ = load_writer(resolve_encoder(tiny), config)
    names = {id(each): name for name, each in net.named_parameters()}
    rates = {
        names[id(each)]: group["lr"] / config.optim.lr
        for group in parameter_groups(net, config, net.factors)
        for each in group["params"]
    }
    fast = {name for name, rate in rates.items() if rate == pytest.approx(7)}
    assert any("crossattention" in name for name in fast)
    assert all("crossattention" in name or ".cls." in name for name in fast)
    assert rates["network.encoder.embeddings.word_embeddings.weight"] == 1.0
    assert fast == {name for name in rates if "crossattention" in name or ".cls." in name}


def test_both_sides_share_one_table_of_words_unless_told_otherwise(tiny):
    shared, _ = load_writer(resolve_encoder(tiny), small("summary", tiny))
    apart, _ = load_writer(resolve_encoder(tiny), small("summary", tiny, summary={"tie": False}))
    sizes = [sum(each.numel() for each in net.parameters()) for net in (shared, apart)]
    assert sizes[1] - sizes[0] == shared.network.encoder.embeddings.word_embeddings.weight.numel()


@pytest.mark.parametrize("method", ["lora", "prompt"])
def test_adapters_leave_the_new_attention_trainable(method, tiny):
    net, _ = load_writer(resolve_encoder(tiny), small("summary", tiny, method))
    trained = {name for name, each in net.named_parameters() if each.requires_grad}
    assert any("crossattention" in name for name in trained)
    assert not any(name.endswith("word_embeddings.weight") for name in trained)


def test_the_target_so_far_is_the_target_one_place_later(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    rows = [{"input_ids": [2, 9, 3], "labels": [7, 8, 3]}, {"input_ids": [2, 3], "labels": [5, 3]}]
    batch = collate(rows, tokenizer, start=2)
    assert batch["labels"].tolist() == [[7, 8, 3], [5, 3, -100]]
    assert batch["decoder_input_ids"].tolist() == [[2, 7, 8], [2, 5, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_later_word_of_the_target_does_not_change_an_earlier_guess(tiny):
    net, _ = load_writer(resolve_encoder(tiny), small("summary", tiny))
    net.eval()
    given = {"input_ids": torch.tensor([[2, 9, 3]]), "attention_mask": torch.ones(1, 3)}
    one, other = (
        net(**given, decoder_input_ids=torch.tensor([ids]))["logits"]
        for ids in ([2, 7, 8], [2, 7, 9])
    )
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2], other[:, 2])


def test_a_long_text_and_many_texts_are_written_in_order(tiny, data, tmp_path):
    run = train(brief(tiny), data, tmp_path / "r").run
    model = SummaryModel(run.root, threads=1)
    texts = ["where is my parcel " * 5_264, "", *(f"where is {thing}" for thing in THINGS * 2)]
    written = model.write(texts)
    assert len(texts[0]) > 100_000
    assert len(written) == len(texts)
    assert written[2:12] == written[12:]
    assert model.write([]) == []


def test_changed_weights_are_refused(tiny, data, tmp_path):
    run = train(brief(tiny), data, tmp_path / "run").run
    file = run.network / "model.safetensors"
    values = load_file(file)
    first = sorted(values)[0]
    save_file({**values, first: values[first] + 1}, file)
    with pytest.raises(RunDirError, match="model.safetensors: changed since it was trained"):
        SummaryModel(run.root)
    run.sums.unlink()
    with pytest.raises(RunDirError, match="sha256.json: missing"):
        SummaryModel(run.root)


def test_early_stopping_watches_the_loss_of_validation(tiny, data, tmp_path):
    optim = {"batch_size": 10, "epochs": 30, "lr": 1e-12, "patience": 1}
    run = train(brief(tiny, optim=optim), data, tmp_path / "run").run
    last = json.loads(run.log.read_text().splitlines()[-1])
    assert last["step"] < 60


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"summary": "b"}, "no 'text' and no 'turns'"),
        ({"text": "", "summary": "b"}, "no text in 'text'"),
        ({"text": "a"}, "no 'summary' and no 'summaries'"),
        ({"text": "a", "summary": " "}, "no text in 'summary'"),
        ({"text": "a", "summaries": []}, "'summaries' must be a list of texts"),
        ({"text": "a", "summaries": ["b", ""]}, "no text in 'summaries'"),
        ({"text": "a", "summaries": "b"}, "'summaries' must be a list of texts"),
        ({"turns": [], "summary": "b"}, "no 'turns' list"),
        ({"turns": [{"speaker": "me", "text": "a"}], "summary": "b"}, "unknown 'speaker'"),
        ({"turns": [{"speaker": "agent", "text": " "}], "summary": "b"}, "no turn has a text"),
        ({"text": "a" * 100_001, "summary": "b"}, "100,001 characters in 'text'"),
    ],
)
def test_a_row_that_teaches_nothing_is_refused_with_its_line(row, why, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", [{"text": "a", "summary": "b"}, row])
    with pytest.raises(LogFormatError) as caught:
        read_summaries(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_turns_are_read_as_one_text_with_who_speaks(tmp_path):
    turns = [{"speaker": "customer", "text": "hi"}, {"speaker": "agent", "text": "hello"}]
    path = write_lines(tmp_path / "r.jsonl", [{"turns": turns, "summary": "greetings"}])
    (example,) = read_summaries(path)
    assert example.text == "customer: hi\nagent: hello"
    assert example.targets == ("greetings",)
    assert read_texts(path) == [example.text]


def test_the_lead_is_the_first_sentences_without_speakers():
    text = "customer: It broke. Can you help?\nagent: Yes! Send it.\ncustomer: ok"
    assert lead(text, 1) == "It broke."
    assert lead(text, 3) == "It broke. Can you help? Yes!"
    assert lead("坏了。怎么办？请帮忙。", 2) == "坏了。 怎么办？"
    assert lead("no end", 3) == "no end"


def test_rouge_is_stemmed_and_that_of_the_nearest_reference():
    scores = rouge([("nothing alike", "the parcels arrived")], ["the parcel arrives"])
    assert scores["rouge1"][0] == scores["rougeL"][0] == pytest.approx(1.0)
    scores = rouge([("a b c d",)], ["a b x"])
    assert scores["rouge1"][0] == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert rouge([("a",)], [""])["rouge1"][0] == 0.0


def test_the_rows_of_the_lowest_score_come_first_in_the_errors(caplog):
    examples = [Example("t", targets=("a b",), where="1"), Example("u", targets=("c",), where="2")]
    found = score_written(examples, ["a b", "d"])
    assert [error["where"] for error in found.errors] == ["2", "1"]
    assert found.metrics["rougeL"] == 0.5
    assert not caplog.text
    score_written([Example("t", targets=("坏了",))], ["坏了"])
    assert "a to z" in caplog.text


def test_an_encoder_that_cannot_decode_is_refused(tiny, tmp_path):
    from transformers import DistilBertConfig, DistilBertModel

    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    DistilBertModel(
        DistilBertConfig(vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=16)
    ).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="a distilbert cannot be the decoder"):
        load_writer(resolve_encoder(str(tmp_path)), small("summary", str(tmp_path)))


def test_more_tokens_than_the_model_holds_are_refused(tiny):
    config = small("summary", tiny, summary={"max_target_tokens": 512})
    with pytest.raises(ConfigError, match="summary.max_target_tokens: .* holds 512 tokens, 513"):
        load_writer(resolve_encoder(tiny), config)


def test_serving_imports_no_training_library(tiny, data, tmp_path):
    code = "import sys, finetune.summary.model\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0
    run = train(brief(tiny, optim=SMALL), data, tmp_path / "run").run
    code = (
        "import sys\nfrom pathlib import Path\nfrom finetune.summary.model import SummaryModel\n"
        f"SummaryModel(Path({str(run.root)!r})).write(['where'])\n"
        "heavy = {'peft', 'trl', 'datasets', 'sentence_transformers'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora", "prompt"])
def test_one_that_was_cut_off_resumes_to_the_same_weights(method, tiny, data, tmp_path):
    optim = {"batch_size": 10, "epochs": 3, "lr": 1e-3}
    config = brief(tiny, method, optim=optim)
    whole = train(config, data, tmp_path / "whole").run
    cut_off(config, data, tmp_path / "cut")
    resumed = train(config, data, tmp_path / "cut", resume=True).run
    for file in whole.weights.rglob("*.safetensors"):
        wanted = load_file(file)
        found = load_file(resumed.weights / file.relative_to(whole.weights))
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)
