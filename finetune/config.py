"""Training configs: typed YAML, unknown keys refused, every mistake told at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, model_validator

from data.config import Config, load_config
from data.encoders import DEFAULT_ENCODER
from data.errors import ConfigError
from finetune.methods import METHODS, STOP_ON, Method, TaskName
from finetune.settings_read import refusals

CONFIGS = Path(__file__).parent / "configs"
SHORT = 512  # tokens that an encoder reads at most


class OptimConfig(Config):
    """Optimizer, schedule, and how a batch becomes a step."""

    optimizer: Literal["adamw", "sgd", "adafactor"] = "adamw"
    lr: float = Field(2e-4, gt=0, description="peak learning rate, of the head and upper layer")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="factor on the rate for each layer further down"
    )
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_fraction: float = Field(0.06, ge=0, le=1, description="part of all steps")
    weight_decay: float = Field(0.01, ge=0, description="not on biases and norms")
    batch_size: int = Field(32, ge=1, description="examples a step, over all processes")
    accumulate: int = Field(1, ge=1, description="parts of a step that are computed in turn")
    epochs: float = Field(5, gt=0, description="passes over the training rows")
    least_steps: int = Field(
        0, ge=0, description="of few rows more passes are made, until there are so many steps"
    )
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1: by epochs")
    clip: float = Field(1.0, ge=0, description="largest norm of a gradient; 0: any")
    dropout: float | None = Field(
        None, ge=0, lt=1, description="in the encoder; null: as it was pre-trained"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target spread out")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: a row counts the more, the rarer its label"
    )
    patience: int = Field(0, ge=0, description="epochs without gain before stopping; 0: never")
    stop_on: str = Field("loss", description="validation metric that patience watches")
    each_epoch: bool = Field(
        False, description="score the validation rows after each epoch; patience needs it anyway"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the hardware multiplies in it"
    )
    checkpoint_activations: bool = Field(
        False, description="compute activations twice to keep fewer: less memory, more time"
    )

    @property
    def watches(self) -> bool:
        """Whether the validation rows are scored while it trains."""
        return self.each_epoch or self.patience > 0

    @model_validator(mode="after")
    def _whole(self) -> "OptimConfig":
        if self.batch_size % self.accumulate:
            raise ValueError(f"batch_size {self.batch_size} does not divide by accumulate")
        return self


class AdapterConfig(Config):
    """What is added to an encoder that stays as it is (LoRA, DoRA, QLoRA, prefix, prompt)."""

    rank: int = Field(12, ge=1, description="width of a low-rank update")
    alpha: int = Field(24, ge=1, description="scale of the update: alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of a low-rank update's inputs")
    virtual_tokens: int = Field(16, ge=1, le=256, description="of prefix and prompt tuning")


class HeadConfig(Config):
    """The logistic head on the encoder's vectors."""

    c: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (5.0, 20.0), min_length=1, description="inverse regularization; chosen by cross-validation"
    )
    folds: int = Field(5, ge=2, description="cross-validation folds")


class ContrastiveConfig(Config):
    """Tuning for few rows: texts of one label are drawn together, others apart."""

    lr: float = Field(5e-5, gt=0, description="peak learning rate, instead of optim's")
    epochs: float = Field(5, gt=0, description="passes over the training rows, instead of optim's")
    labels_a_step: int = Field(16, ge=2, description="labels that a step compares")
    rows_a_label: int = Field(4, ge=2, description="texts of each of them")
    temperature: float = Field(0.1, gt=0, description="of the softmax over the step's texts")
    label_names: bool = Field(True, description="a label's name is one more text of it")


class ReplyConfig(Config):
    """What a reply model is, and what it learns from."""

    kind: Literal["bi_encoder", "cross_encoder"] = Field(
        "bi_encoder",
        description="vectors that are compared, or a slower model that reads both texts at once",
    )
    hard_negatives: int = Field(1, ge=0, description="mined wrong answers beside each right one")
    random_negatives: int = Field(
        4, ge=1, description="cross_encoder: other answers of the step beside each right one"
    )
    min_weight: float = Field(
        0.5, ge=0, le=2, description="answers that the log speaks for less are left out"
    )
    max_pairs: int = Field(6000, ge=1, description="pairs at most; the most trusted are kept")
    temperature: float = Field(0.05, gt=0, description="of the softmax over in-batch answers")


class HandOverConfig(Config):
    """What the hand-over policy of an intent run is fitted to: costs, or a precision to hold."""

    wrong_cost: float = Field(1.0, ge=0, description="of a wrong answer")
    hand_over_cost: float | None = Field(
        None, ge=0, description="of handing over a turn; null: no costs are stated"
    )
    precision: float | None = Field(
        None, gt=0, lt=1, description="least share of answers that are right; instead of costs"
    )

    @model_validator(mode="after")
    def _one(self) -> "HandOverConfig":
        if self.precision is not None and self.hand_over_cost is not None:
            raise ValueError("state costs or a precision, not both")
        if self.hand_over_cost is not None and self.wrong_cost == 0:
            raise ValueError("wrong_cost 0 makes every answer free; state what a wrong one costs")
        return self


class IntentConfig(Config):
    """What the rows of an intent run are."""

    reads: Literal["texts", "conversations"] | None = Field(
        None,
        description="conversations: the label is the agent's next action, the text all before it, "
        "cut at its beginning; null: by the rows",
    )

    @property
    def from_the_end(self) -> bool:
        """Whether a text that is too long loses its beginning, not its end."""
        return self.reads == "conversations"


class NerConfig(Config):
    """Entity recognition."""

    join_words: int = Field(
        0, ge=0, description="CoNLL: words up to which sentences of a document become one text"
    )
    hidden: float = Field(
        0.0, ge=0, lt=1, description="share of tokens that training hides but for shape"
    )


class QaConfig(Config):
    """Extractive question answering."""

    stride: int = Field(64, ge=0, description="tokens that neighbouring windows share")
    max_answer_tokens: int = Field(30, ge=1, description="the longest answer")
    negatives: float = Field(
        0.3, ge=0, description="questions put to another passage, per question with an answer"
    )


class WriterConfig(Config):
    """A network that writes: an encoder–decoder, or an encoder on both sides."""

    max_target_tokens: int = Field(64, ge=4, le=512, description="of what is written")
    beams: int = Field(1, ge=1, description="sequences kept while writing")
    no_repeat: int = Field(3, ge=0, description="runs of so many tokens come once; 0: any")
    tie: bool = Field(True, description="an encoder on both sides: one table of words for both")
    new_rate: float = Field(
        5.0, ge=1, description="factor on the rate of what starts from random numbers"
    )


class SummaryConfig(WriterConfig):
    """Text-to-text, or the sentences of a conversation that sum it up."""

    kind: Literal["writer", "extractive"] = Field(
        "writer",
        description="a network that writes, or a scorer of sentences, which quotes them",
    )
    side_words: int = Field(
        60, ge=5, description="extractive: words that are quoted of a side, at most"
    )
    wording: Literal["learned", "quoted"] = Field(
        "learned",
        description="extractive: begin as the references do, or leave the sentences as they are",
    )
    prefix: str = Field("", description="before each text, as T5's 'summarize: ' is")


class DialogueConfig(WriterConfig):
    """The next agent turn."""

    no_repeat: int = Field(0, ge=0, description="runs of so many tokens come once; 0: any")
    min_weight: float = Field(
        0.5, ge=0, le=2, description="answers that the log speaks for less are left out"
    )
    max_rows: int = Field(
        0, ge=0, description="training rows at most, drawn by the seed; 0: all of them"
    )
    scored_rows: int = Field(
        300, ge=1, description="rows of a split that are written for the metrics, the first ones"
    )
    step: Literal["none", "given"] = Field(
        "none",
        description="given: the name of the step that the agent took is read beside the text",
    )
    hide_step: float = Field(
        0.1, ge=0, le=1, description="share of the training rows whose step is not read after all"
    )
    pack: bool = Field(
        False, description="causal models: several conversations to a row of max_tokens"
    )
    objective: Literal["answers", "kto", "dpo"] = Field(
        "answers",
        description="what is learned from: agents' answers, thumbs (kto) or corrections (dpo)",
    )
    start: Path | None = Field(
        None, description="kto, dpo: the causal dialogue run that is tuned further"
    )
    beta: float = Field(
        0.1, gt=0, description="kto, dpo: higher stays closer to what the start run writes"
    )
    preference_lr: float = Field(
        1e-5, gt=0, description="kto, dpo: peak learning rate, instead of optim's"
    )
    most_drop: float = Field(
        0.05,
        ge=0,
        description="kto, dpo: a rise of perplexity that is not told, nor a fall of grounded",
    )

    @property
    def reads_step(self) -> bool:
        """Whether a situation's step is read."""
        return self.step == "given"

    @model_validator(mode="after")
    def _started(self) -> "DialogueConfig":
        if (self.objective == "answers") != (self.start is None):
            raise ValueError(
                "start and objective kto or dpo go together: name the causal dialogue run that is "
                "tuned further, and from what"
            )
        return self


class PretrainConfig(Config):
    """Continued pre-training on unlabelled texts."""

    objective: Literal["masked", "denoising"] = Field(
        "masked", description="guess hidden words, or the whole text from a vector of a part of it"
    )
    share: float | None = Field(
        None, gt=0, lt=1, description="of the words hidden (null: 0.15) or left out (null: 0.6)"
    )
    head_steps: int = Field(
        200, ge=1, description="batches that fit the guessing head before the encoder is touched"
    )


class TrainConfig(Config):
    """One fine-tuning run."""

    task: TaskName
    encoder: str = Field(DEFAULT_ENCODER, description="name, path or hub id")
    method: Method = Field("auto", description="what is trained; auto: by rows and hardware")
    top_layers: int = Field(3, ge=1, description="layers that method top_layers trains")
    start: Literal["random", "logistic"] = Field(
        "random",
        description="intent: the head that tuning begins with; logistic: the untuned encoder's, "
        "as always where rows have several labels",
    )
    words: bool = Field(True, description="intent: a linear model over words beside the network")
    max_tokens: int = Field(128, ge=8, le=8192, description="a text; longer ones are cut")
    seed: int = Field(0, ge=0, description="of every random choice")
    threads: int = Field(2, ge=1, description="CPU threads")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: CUDA where it is")
    text_column: str = "text"
    label_column: str = "label"
    multi_label: bool | None = Field(
        None, description="intent: `|` stands between labels; null: where any label has one"
    )
    out_of_scope: Path | None = Field(
        None, description="intent: further texts to refuse, a text a line or a table"
    )
    optim: OptimConfig = OptimConfig()
    adapter: AdapterConfig = AdapterConfig()
    head: HeadConfig = HeadConfig()
    contrastive: ContrastiveConfig = ContrastiveConfig()
    hand_over: HandOverConfig = HandOverConfig()
    reply: ReplyConfig = ReplyConfig()
    intent: IntentConfig = IntentConfig()
    ner: NerConfig = NerConfig()
    qa: QaConfig = QaConfig()
    summary: SummaryConfig = SummaryConfig()
    dialogue: DialogueConfig = DialogueConfig()
    pretrain: PretrainConfig = PretrainConfig()

    @property
    def writer(self) -> WriterConfig:
        """The settings of the task that writes."""
        return self.dialogue if self.task == "dialogue" else self.summary

    @model_validator(mode="after")
    def _tried(self, info: ValidationInfo) -> "TrainConfig":
        if self.max_tokens > SHORT and self.task != "dialogue":
            raise ValueError(f"max_tokens {self.max_tokens}: at most {SHORT} for {self.task}")
        if self.method != "auto" and self.method not in METHODS[self.task]:
            raise ValueError(
                f"method {self.method} is not offered for task {self.task}; "
                f"one of auto, {', '.join(METHODS[self.task])}"
            )
        if self.task == "summary" and self.method != "auto":
            extractive = self.summary.kind == "extractive"
            if extractive != (self.method == "head"):
                raise ValueError(
                    f"method {self.method} is not offered for summary.kind {self.summary.kind}; "
                    + ("use auto or head" if extractive else "head is of kind extractive alone")
                )
        watched = ("loss", *STOP_ON.get(self.task, ()))
        if self.optim.stop_on not in watched:
            raise ValueError(
                f"optim.stop_on {self.optim.stop_on} is not measured while {self.task} trains; "
                f"one of {', '.join(watched)}"
            )
        if (info.context or {}).get("recorded"):
            return self  # trained as it was
        if self.optim.max_steps == 0:
            raise ValueError("optim.max_steps 0: a training has steps; -1 goes by epochs")
        if refused := refusals(self):
            raise ValueError("; ".join(refused))
        return self

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """The config of a run that was trained; settings that it did not read are not refused.

        `reply.context_turns`, which earlier versions wrote and nobody read, is passed over.

        Raises:
            ValidationError: If it is not one of this version.
        """
        known = dict(values)
        if isinstance(reply := known.get("reply"), Mapping):
            known["reply"] = {key: reply[key] for key in reply if key != "context_turns"}
        return cls.model_validate(known, context={"recorded": True})


def train_config(
    task: str,
    path: Path | None = None,
    overrides: Sequence[str] = (),
    **values: Any,  # noqa: ANN401 - pydantic checks them
) -> TrainConfig:
    """The task's shipped config or `path`, with `section.key=value` overrides last.

    Raises:
        ConfigError: One line for each mistake, or if the settings are another task's.
    """
    path = path or CONFIGS / f"{task}.yaml"
    config = load_config(TrainConfig, path, overrides, usual={"task": task}, **values)
    if config.task != task:
        set_here = any(each.partition("=")[0] == "task" for each in overrides)
        raise ConfigError(
            f"{'--set task' if set_here else path}: settings of task {config.task}, {task} is "
            f"asked for; name a config of that task, or ask for {config.task}"
        )
    return config
