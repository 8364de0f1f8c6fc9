"""The cross-encoder: a reranker that reads context and answer together."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_texts
from data.encoders import resolve_encoder
from data.errors import ConfigError, RunDirError
from data.onnx_text import OnnxText
from data.schema import Example
from finetune.config import CONFIGS, train_config
from finetune.encoder import export_onnx, load_encoder, save_tokenizer
from finetune.methods import METHODS
from finetune.reply.cross_encoder import PairNet, fit_scale, pair_inputs
from finetune.reply.model import ReplyModel
from finetune.reply.ranking import CANDIDATES, draw, score_ranking
from finetune.reply.reranker import PairLogits, RerankerModel
from finetune.run_dir import RunDir
from finetune.serving import encoder_of
from finetune.train import train
from retrieval.protocols import Reranker
from tests.conftest import ANSWERS, SMALL, THINGS, finite, reply_rows, small, write_lines

ROOT = Path(__file__).parent.parent
CONTEXTS = [f"where is parcel {thing}" for thing in THINGS]
pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="session")
def typed(tiny, tmp_path_factory):
    """The tiny encoder; its tokenizer tells the two texts of a pair apart, as BERT's does."""
    folder = tmp_path_factory.mktemp("typed") / "encoder"
    shutil.copytree(tiny, folder)
    path = folder / "tokenizer.json"
    values = json.loads(path.read_text())
    *_, second, end = values["post_processor"]["pair"]
    second["Sequence"]["type_id"] = end["SpecialToken"]["type_id"] = 1
    path.write_text(json.dumps(values))
    path = folder / "tokenizer_config.json"
    names = ["input_ids", "token_type_ids", "attention_mask"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_input_names": names}))
    return str(folder)


def cross(tiny, method="full", optim=SMALL, **reply):
    return small("reply", tiny, method, optim=optim, reply={"kind": "cross_encoder", **reply})


@pytest.fixture(scope="module")
def reranker(typed, folders, tmp_path_factory):
    """The folder of a run of two steps."""
    return train(cross(typed), folders["reply"], tmp_path_factory.mktemp("runs") / "cross").run.root


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(each, marks=[] if each == "full" else pytest.mark.slow)
        for each in METHODS["reply"]
        if each != "qlora"  # needs a GPU
    ],
)
def test_two_steps_by_each_method_give_a_run_that_ranks(method, typed, folders, tmp_path):
    config = cross(typed, method)
    done = train(config, folders["reply"], tmp_path / "run")
    assert done.run.check("reply") == "reply"
    assert finite(done.metrics)
    assert set(done.metrics["test"]) == {"baseline", "before", "after", "intervals"}
    ranked = RerankerModel(done.run.root, threads=1).rank(CONTEXTS[0], ANSWERS)
    assert sorted(place for place, _ in ranked) == list(range(len(ANSWERS)))
    assert all(0 <= score <= 1 for _, score in ranked)
    assert [score for _, score in ranked] == sorted((s for _, s in ranked), reverse=True)


def test_the_untuned_vectors_are_what_it_must_beat(reranker, typed, folders, tmp_path):
    vectors = train(small("reply", typed), folders["reply"], tmp_path / "run").metrics
    pairs = json.loads(RunDir(reranker).metrics.read_text())
    assert pairs["test"]["before"] == vectors["test"]["before"]
    assert pairs["test"]["baseline"] == vectors["test"]["baseline"]


@pytest.mark.slow
def test_it_learns_four_answers_by_heart(typed, tmp_path):
    few = [row for name in "cde" for row in reply_rows(THINGS[:4], name)]
    write_lines(tmp_path / "train.jsonl", few)
    write_lines(tmp_path / "validation.jsonl", reply_rows())
    optim = {"batch_size": 4, "epochs": 20, "lr": 6e-3, "warmup_fraction": 0.2}
    done = train(cross(typed, optim=optim, random_negatives=3), tmp_path, tmp_path / "run")
    model = RerankerModel(done.run.root, threads=1)
    assert [model.rank(text, ANSWERS[:4])[0][0] for text in CONTEXTS[:4]] == [0, 1, 2, 3]
    own, other = model.scores(CONTEXTS[0], ANSWERS[:2])
    assert own > 0.5 > other


def test_the_graph_equals_the_module(typed, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(typed))
    torch.manual_seed(1)
    net = PairNet(encoder, torch.nn.Linear(32, 1)).eval()
    run = RunDir(tmp_path / "run")
    export_onnx(net, pair_inputs(tokenizer), run.model)
    save_tokenizer(tokenizer, run.tokenizer)
    pairs = [("where", "here"), ("money back " * 30, "no"), ("no", "money back " * 30), (" ", " ")]
    found = PairLogits(run, 32, 1).of(pairs)
    for pair, logit in zip(pairs, found, strict=True):
        batch = tokenizer(*pair, truncation=True, max_length=32, return_tensors="pt")
        assert batch["token_type_ids"].max() == 1
        with torch.no_grad():
            assert float(net(**batch)) == pytest.approx(float(logit), abs=1e-4)
    assert PairLogits(run, 32, 1).of([]).shape == (0,)


def test_which_text_is_which_is_told_to_the_graph(reranker):
    run = RunDir(reranker)
    pair = [("where is parcel shoes", "your shoes shop")]
    told = PairLogits(run, 32, 1).of(pair)
    texts = OnnxText(
        run.model, run.tokenizer / "tokenizer.json", 32, 1,
        {"token_type_ids": lambda text, tokens: np.zeros(len(tokens.ids), dtype=np.int64)},
    )  # fmt: skip
    untold = texts.run(["-"], texts.tokenize(pair))[0]
    assert abs(float(told[0]) - float(untold[0])) > 1e-6


def test_an_encoder_without_token_types_is_served_too(typed, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(typed))
    inputs = pair_inputs(tokenizer)
    del inputs["token_type_ids"]
    run = RunDir(tmp_path / "run")
    export_onnx(PairNet(encoder, torch.nn.Linear(32, 1)), inputs, run.model)
    save_tokenizer(tokenizer, run.tokenizer)
    assert np.isfinite(PairLogits(run, 32, 1).of([("where", "here")])).all()


def test_it_is_what_retrieval_asks_of_a_reranker(reranker):
    model: Reranker = RerankerModel(reranker, threads=1)
    scores = model.scores(CONTEXTS[0], ANSWERS[:3])
    assert scores.shape == (3,)
    assert model.scores(CONTEXTS[0], []).shape == (0,)
    alone = model.scores(CONTEXTS[0], ANSWERS[1:2])
    assert alone[0] == pytest.approx(scores[1], abs=1e-5)


def test_weights_of_8_bits_give_nearly_the_same_scores_and_are_made_once(reranker):
    whole, small_one = (RerankerModel(reranker, 1, int8=int8) for int8 in (False, True))
    first, second = (model.scores(CONTEXTS[0], ANSWERS) for model in (whole, small_one))
    np.testing.assert_allclose(first, second, atol=0.05)
    assert np.abs(first - second).max() > 0  # other weights
    (made,) = Path("var/eight_bit").iterdir()
    assert made.stat().st_size < RunDir(reranker).model.stat().st_size
    before = made.stat().st_mtime_ns
    RerankerModel(reranker, 1, int8=True)
    assert made.stat().st_mtime_ns == before


def test_a_cross_encoder_is_refused_where_vectors_are_needed(reranker):
    for opened in (encoder_of, lambda path: ReplyModel(Path(path))):
        with pytest.raises(RunDirError, match="a cross-encoder, which .* has no vectors") as caught:
            opened(str(reranker))
        assert "\n" not in str(caught.value)


def test_a_bi_encoder_is_refused_where_a_cross_encoder_is_needed(tiny, folders, tmp_path):
    train(small("reply", tiny), folders["reply"], tmp_path / "run")
    with pytest.raises(RunDirError, match="a bi-encoder; a cross-encoder is needed here"):
        RerankerModel(tmp_path / "run")


def test_predict_and_evaluate_read_a_cross_encoder_run(reranker, folders):
    rows = list(predict_texts(reranker, [CONTEXTS[0], *ANSWERS[:3]]))
    assert {row["answer"] for row in rows} == set(ANSWERS[:3])
    assert all(0 <= row["score"] <= 1 for row in rows)
    metrics = evaluate_path(reranker, folders["reply"] / "test.jsonl")
    assert metrics == json.loads(RunDir(reranker).metrics.read_text())["test"]["after"]


def test_serving_it_imports_no_training_library():
    code = (
        "import sys, finetune.reply.reranker\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'peft', 'datasets'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


class Logits:
    """Logits of pairs by a rule."""

    def __init__(self, rule):
        self.rule = rule

    def of(self, pairs):
        return np.array([self.rule(*pair) for pair in pairs])


EXAMPLES = [
    Example(f"t{row}", answer=f"a{row}", group=f"g{row // 15}", where=f"c{row}:1")
    for row in range(30)
]


def test_a_score_is_the_chance_of_being_the_right_one_of_two():
    right = Logits(lambda text, answer: 5.0 if text[1:] == answer[1:] else 3.0)
    scale = fit_scale(right, EXAMPLES, seed=0)
    assert scale["slope"] > 0
    assert scale["slope"] * 4.0 + scale["shift"] == pytest.approx(0, abs=0.1)
    assert scale["fitted_on"].startswith("validation: 30 contexts")


@pytest.mark.parametrize("rows", [EXAMPLES, EXAMPLES[:1]])
def test_logits_that_tell_nothing_stay_as_they_are(rows):
    wrong = Logits(lambda text, answer: -1.0 if text[1:] == answer[1:] else 1.0)
    scale = fit_scale(wrong, rows, seed=0)
    assert (scale["slope"], scale["shift"]) == (1.0, 0.0)


def test_every_kind_of_model_is_scored_on_the_same_draws_and_each_pair_once():
    seen = []

    def scores(asked, offered):
        seen.append(len(set(zip(asked.tolist(), offered.tolist(), strict=True))))
        assert seen[-1] == len(asked)
        return (asked == offered).astype(float)

    everywhere, alike = draw(EXAMPLES, 3)
    assert everywhere.candidates.shape == (1000, CANDIDATES)
    assert (everywhere.candidates[:, 0] == everywhere.contexts).all()
    assert {EXAMPLES[row].group for row in alike.candidates[0]} == {
        EXAMPLES[alike.contexts[0]].group
    }
    found = score_ranking(scores, EXAMPLES, 3)
    assert found.metrics == {
        "n": 1000, "recall_at_1_of_10": 1.0, "mrr": 1.0, "recall_at_1_of_10_same_group": 1.0
    }  # fmt: skip
    assert len(seen) == 1


def test_every_context_drawn_once_has_the_metrics_of_the_whole():
    table = np.random.default_rng(0).normal(size=(30, 30))
    found = score_ranking(lambda asked, offered: table[asked, offered], EXAMPLES, 0)
    drawn = found.resample(np.arange(30))
    for metric, value in drawn.items():
        assert value == pytest.approx(found.metrics[metric]), metric
    assert set(drawn) == set(found.metrics) - {"n"}
    assert found.errors
    best = int(np.argmax([found.resample(np.array([row]))["mrr"] for row in range(30)]))
    assert found.resample(np.array([best, best]))["mrr"] > found.metrics["mrr"]


def test_the_shipped_config_makes_a_cross_encoder():
    config = train_config("reply", CONFIGS / "reply_cross.yaml")
    assert config.reply.kind == "cross_encoder"
    with pytest.raises(ConfigError, match="random_negatives"):
        train_config("reply", CONFIGS / "reply_cross.yaml", ["reply.random_negatives=0"])
