"""Which settings a training reads: one table for the config, the search and the page."""

from pathlib import Path

import pytest

from data.errors import ConfigError
from data.schema import Example
from finetune.config import TrainConfig, train_config
from finetune.methods import METHODS
from finetune.reading import Splits
from finetune.search.space import value_of
from finetune.settings_read import KINDS, METHODS_OF, READ_BY, kinds_of, reads
from finetune.train import settle_method, train
from tests.conftest import small

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("here")
BALANCED = "optim.class_weights=balanced"


@pytest.mark.parametrize(
    ("task", "settings", "said"),
    [
        ("intent", ["method=head", BALANCED], "optim.class_weights balanced"),
        ("intent", ["method=contrastive", BALANCED], "of kind contrastive does not read it"),
        ("qa", [BALANCED], "of kind qa"),
        ("reply", [BALANCED], "of kind bi_encoder"),
        ("summary", [BALANCED], "of kind summary writer"),
        ("dialogue", [BALANCED], "of kind causal or dialogue writer"),
        ("pretrain", [BALANCED], "of kind masked"),
        ("reply", ["optim.label_smoothing=0.2"], "optim.label_smoothing 0.2"),
        ("pretrain", ["optim.label_smoothing=0.2"], "optim.label_smoothing 0.2"),
        ("intent", ["multi_label=true", "optim.label_smoothing=0.05"], "several labels"),
        ("intent", ["multi_label=true", "out_of_scope=more.txt"], "out_of_scope more.txt"),
        ("intent", ["multi_label=true", "hand_over.precision=0.9"], "hand_over.precision 0.9"),
        ("intent", ["method=head", "optim.dropout=0.2"], "optim.dropout 0.2"),
        ("ner", ["hand_over.hand_over_cost=0.2"], "hand_over.hand_over_cost 0.2"),
        (
            "intent",
            ["method=contrastive", "optim.patience=2", "optim.stop_on=accuracy"],
            "optim.stop_on accuracy: a contrastive training fits its head at the end",
        ),
        (
            "intent",
            ["hand_over.hand_over_cost=0.2", "hand_over.wrong_cost=0"],
            "wrong_cost 0 makes every answer free",
        ),
    ],
)
def test_what_is_asked_for_and_would_be_left_undone_is_refused(task, settings, said):
    with pytest.raises(ConfigError, match=said):
        train_config(task, overrides=settings)


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("intent", ["method=head"]),  # rates and lengths of another method may stay in the file
        ("intent", ["method=contrastive", "optim.patience=2", "optim.stop_on=loss"]),
        ("intent", ["method=auto", BALANCED, "optim.dropout=0.1"]),
        ("reply", ["optim.label_smoothing=0.0"]),
        ("intent", ["hand_over.hand_over_cost=0"]),
    ],
)
def test_what_stays_as_it_is_or_may_be_read_is_not_refused(task, settings):
    assert train_config(task, overrides=settings).task == task


def labelled(several=False):
    rows = [
        Example(f"row {number}", label=label, labels=(label, "c")[: 1 + several])
        for number in range(4)
        for label in ("a", "b")
    ]
    return Splits(rows, rows, [])


@pytest.mark.parametrize(
    ("values", "several", "said"),
    [
        ({"optim": {"class_weights": "balanced"}}, False, "of kind contrastive"),
        ({"optim": {"patience": 1, "stop_on": "accuracy"}}, False, "watch loss"),
        ({"hand_over": {"precision": 0.9}}, True, "of kind several labels head"),
        ({"method": "full", "optim": {"label_smoothing": 0.05}}, True, "of kind several labels"),
    ],
)
def test_what_the_rows_settle_is_looked_at_again(values, several, said, tiny):
    config = small("intent", tiny, **{"method": "auto", **values})
    with pytest.raises(ConfigError, match=said):
        settle_method(config, labelled(several))


def test_a_causal_model_is_told_from_one_that_writes(tiny, qwen):
    for encoder, refused in ((tiny, False), (qwen, True)):
        config = small("dialogue", encoder, optim={"dropout": 0.1})
        if not refused:
            assert settle_method(config, Splits([], [], []))[0] == config
            continue
        with pytest.raises(ConfigError, match=r"optim.dropout 0.1: a training of kind causal"):
            settle_method(config, Splits([], [], []))


def test_a_run_that_was_trained_before_is_read_as_it_was(tiny):
    values = small("intent", tiny).model_dump(mode="json")
    values["multi_label"], values["out_of_scope"] = True, "more.txt"
    assert TrainConfig.recorded(values).multi_label is True


def test_settings_of_another_method_are_told(tiny, folders, tmp_path, caplog):
    caplog.set_level("INFO")
    train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run")
    (line,) = (row for row in caplog.messages if row.startswith("not read"))
    assert line == (
        "not read by this training: top_layers, max_tokens, optim.lr, optim.batch_size, "
        "optim.max_steps, optim.precision"
    )


@pytest.mark.parametrize("task", METHODS)
def test_each_line_of_the_table_is_a_setting_and_each_kind_comes_of_a_config(task):
    known = TrainConfig(task=task).model_dump()
    for name in (*READ_BY, *METHODS_OF):
        section, _, inner = name.partition(".")
        assert section in known
        assert not inner or inner in known[section], name
    for method in METHODS[task]:
        if (task, method) != ("summary", "head"):
            assert kinds_of(TrainConfig(task=task, method=method)) <= KINDS
    assert value_of(TrainConfig(task=task), "optim.lr")


def test_a_setting_is_read_by_the_methods_that_it_is_for(tiny):
    for method, name, read in (
        ("lora", "adapter.rank", True),
        ("ia3", "adapter.rank", False),
        ("prompt", "adapter.virtual_tokens", True),
        ("lora", "adapter.virtual_tokens", False),
        ("auto", "adapter.rank", True),
        ("full", "top_layers", False),
        ("contrastive", "contrastive.lr", True),
        ("contrastive", "optim.lr", False),
        ("contrastive", "optim.max_steps", True),
        ("full", "head.folds", False),
    ):
        config = small("intent", tiny, method, multi_label=False)
        assert reads(config, name) is read, (method, name)


def lines_of_the_table():
    """A line for all settings that the same kinds read."""
    names = {}
    for name, kinds in READ_BY.items():
        names.setdefault(kinds, []).append(f"`{name}`")
    for kinds, alike in names.items():
        few = kinds if len(kinds) < 10 else KINDS - kinds
        listed = ", ".join(sorted(few))
        yield f"| {', '.join(alike)} | {listed if few is kinds else f'all but {listed}'} |"


def test_the_table_of_the_page_is_the_one_that_is_asked():
    page = (ROOT / "docs/tuning.md").read_text(encoding="utf-8").splitlines()
    start = page.index("| setting | read by |") + 2
    wanted = list(lines_of_the_table())
    assert page[start : start + len(wanted) + 1] == [*wanted, ""]
