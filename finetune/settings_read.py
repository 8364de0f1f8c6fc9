"""Which settings each kind of training reads: what nobody reads is refused, told, or not searched.

One table for the config, for `deskhand tune` and for `docs/tuning.md`. No torch here.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

from finetune.methods import Method

if TYPE_CHECKING:
    from finetune.config import TrainConfig

Kind = Literal[
    "intent",
    "logistic start",
    "intent head",
    "next action head",
    "contrastive",
    "several labels",
    "several labels head",
    "ner",
    "relation",
    "qa",
    "bi_encoder",
    "cross_encoder",
    "summary writer",
    "extractive",
    "dialogue writer",
    "causal",
    "preferences",
    "masked",
    "denoising",
]
KINDS: frozenset[Kind] = frozenset(get_args(Kind))
_HEADS: frozenset[Kind] = frozenset({"intent head", "next action head"})
_ONE_LABEL: frozenset[Kind] = _HEADS | frozenset({"intent", "contrastive"})
_SEVERAL: frozenset[Kind] = frozenset({"several labels", "several labels head"})
_STEPS = KINDS - _HEADS - {"several labels head", "extractive"}
_REPLY: frozenset[Kind] = frozenset({"bi_encoder", "cross_encoder"})
_TALKS: frozenset[Kind] = frozenset({"dialogue writer", "causal", "preferences"})
_ANSWERS: frozenset[Kind] = frozenset({"dialogue writer", "causal"})
_PRETRAIN: frozenset[Kind] = frozenset({"masked", "denoising"})

# A line stands for all settings below its name, but for those that have a line of their own. What
# has none is read by all.
READ_BY: dict[str, frozenset[Kind]] = {
    "encoder": KINDS - {"preferences"},
    "method": KINDS - {"preferences"},
    "max_tokens": KINDS - {"intent head", "several labels head", "extractive", "preferences"},
    "top_layers": _STEPS - {"preferences"},
    "start": frozenset({"intent"}),
    "words": _ONE_LABEL | _SEVERAL,
    "multi_label": _ONE_LABEL | _SEVERAL,
    "out_of_scope": _ONE_LABEL,
    "hand_over": _ONE_LABEL,
    "optim": _STEPS,
    "optim.lr": _STEPS - {"contrastive", "preferences"},
    "optim.epochs": _STEPS - {"contrastive"},
    "optim.least_steps": _STEPS - {"contrastive"},
    "optim.batch_size": _STEPS - {"contrastive"},
    "optim.dropout": _STEPS - {"causal", "preferences"},
    "optim.label_smoothing": frozenset(
        {"intent", "ner", "relation", "qa", "summary writer", "dialogue writer"}
    ),
    "optim.class_weights": frozenset({"intent", "ner", "relation", "several labels"}),
    "adapter": _STEPS - {"preferences"},
    "head": frozenset({*_HEADS, *_SEVERAL, "contrastive", "logistic start"}),
    "contrastive": frozenset({"contrastive"}),
    "intent": _ONE_LABEL | _SEVERAL,
    "reply": _REPLY,
    "reply.temperature": frozenset({"bi_encoder"}),
    "reply.random_negatives": frozenset({"cross_encoder"}),
    "ner": frozenset({"ner"}),
    "qa": frozenset({"qa"}),
    "summary": frozenset({"summary writer"}),
    "summary.kind": frozenset({"summary writer", "extractive"}),
    "summary.side_words": frozenset({"extractive"}),
    "summary.wording": frozenset({"extractive"}),
    "dialogue": frozenset({"dialogue writer"}),
    "dialogue.objective": _TALKS,
    "dialogue.scored_rows": _TALKS,
    "dialogue.max_target_tokens": _ANSWERS,
    "dialogue.min_weight": _ANSWERS,
    "dialogue.max_rows": _ANSWERS,
    "dialogue.step": _ANSWERS,
    "dialogue.hide_step": _ANSWERS,
    "dialogue.pack": frozenset({"causal"}),
    "dialogue.start": frozenset({"preferences"}),
    "dialogue.beta": frozenset({"preferences"}),
    "dialogue.preference_lr": frozenset({"preferences"}),
    "dialogue.most_drop": frozenset({"preferences"}),
    "pretrain": _PRETRAIN,
}
_LOW_RANK: tuple[Method, ...] = ("lora", "dora", "qlora")
# Of those kinds, only where one of these methods tunes.
METHODS_OF: dict[str, tuple[Method, ...]] = {
    "top_layers": ("top_layers",),
    "adapter": _LOW_RANK,
    "adapter.virtual_tokens": ("prefix", "prompt"),
}
_CHOSEN: tuple[Method, ...] = ("head", "contrastive", "full", "frozen_embeddings", "lora")  # auto's
# They ask for something, so that leaving it undone would go unseen: refused where nobody reads
# them. Other settings, as rates and lengths, stay in a file while its method is changed.
_ASKED = ("out_of_scope", "hand_over", "optim.dropout", "optim.label_smoothing",
          "optim.class_weights")  # fmt: skip
_NOTHING_ASKED: dict[str, Any] = {
    "optim.label_smoothing": 0.0
}  # beside the value that stands there


def kinds_of(config: "TrainConfig", causal: bool | None = None) -> frozenset[Kind]:
    """The kinds of training that a config may turn out to be, of which one is settled.

    Args:
        config: As it was asked for, or settled.
        causal: Whether a dialogue's base model is; None: not known yet.
    """
    if config.task == "intent":
        return frozenset(_intent_kinds(config))
    if config.task == "reply":
        return frozenset({config.reply.kind})
    if config.task == "pretrain":
        return frozenset({config.pretrain.objective})
    if config.task == "summary":
        return frozenset(
            {"extractive" if config.summary.kind == "extractive" else "summary writer"}
        )
    if config.task == "dialogue":
        if config.dialogue.objective != "answers":
            return frozenset({"preferences"})
        if causal is None:
            return _ANSWERS
        return frozenset({"causal" if causal else "dialogue writer"})
    return frozenset({config.task})


def reads(config: "TrainConfig", name: str, causal: bool | None = None) -> bool:
    """Whether a training by this config would read a setting, by its full name."""
    if not kinds_of(config, causal) & _line(READ_BY, name, KINDS):
        return False
    methods = _line(METHODS_OF, name, None)
    if methods is None:
        return True
    return bool(set(_CHOSEN if config.method == "auto" else (config.method,)) & set(methods))


def unread(asked: "TrainConfig", trained: "TrainConfig", causal: bool) -> list[str]:
    """Full names of the settings that were changed and that the training did not read.

    Args:
        asked: The config as it was given.
        trained: The same when its kind and method were settled.
        causal: Whether a dialogue's base model is.
    """
    return [name for name, _ in _changed(asked) if not reads(trained, name, causal)]


def refusals(config: "TrainConfig", causal: bool | None = None) -> list[str]:
    """A sentence for each setting that asks for what this training would leave undone."""
    optim = config.optim
    late = (
        kinds_of(config, causal) == {"contrastive"}
        and optim.patience > 0
        and optim.stop_on != "loss"
    )
    watched = [
        f"optim.stop_on {optim.stop_on}: a contrastive training fits its head at the end, and the "
        "passes before tell nothing of it; watch loss"
    ]
    return watched * late + [
        f"{name} {value}: {not_read_by(config, causal)}"
        for name, value in _changed(config)
        if name.startswith(_ASKED)
        and value != _NOTHING_ASKED.get(name)
        and not reads(config, name, causal)
    ]


def not_read_by(config: "TrainConfig", causal: bool | None = None) -> str:
    """What is said of a setting that this training does not read."""
    kinds = " or ".join(sorted(kinds_of(config, causal) - {"logistic start"}))
    method = "" if config.method in ("auto", *kinds.split()) else f" by {config.method}"
    return f"a training of kind {kinds}{method} does not read it; leave it out"


def _intent_kinds(config: "TrainConfig") -> Iterator[Kind]:
    methods = set(_CHOSEN if config.method == "auto" else (config.method,))
    stepped = bool(methods - {"head", "contrastive"})
    reads = config.intent.reads
    if config.multi_label is not False and reads != "conversations":
        if stepped:
            yield "several labels"
        if "head" in methods:
            yield "several labels head"
    if config.multi_label:
        return
    if config.method == "head":  # auto takes it for several labels alone
        if reads != "conversations":
            yield "intent head"
        if reads != "texts":
            yield "next action head"
    elif stepped:
        started: tuple[Kind, ...] = ("intent", "logistic start")
        yield from started[: 1 + (config.start == "logistic")]
    if "contrastive" in methods:
        yield "contrastive"


def _changed(config: "TrainConfig") -> Iterator[tuple[str, Any]]:
    """Full names and values of the settings that are not as they stand without a config."""
    for name in type(config).model_fields:
        value, default = getattr(config, name), type(config).model_fields[name].default
        if not hasattr(type(value), "model_fields"):
            if value != default:
                yield name, value
            continue
        for inner in type(value).model_fields:
            if getattr(value, inner) != getattr(default, inner):
                yield f"{name}.{inner}", getattr(value, inner)


def _line(table: dict[str, Any], name: str, without: Any) -> Any:  # noqa: ANN401 - a line of it
    """The line of a setting, or else of its section."""
    return table.get(name, table.get(name.partition(".")[0], without))
