"""A causal dialogue model tuned on a GPU: tokens a second, share of the device's peak, memory.

The weights are random, of the exact shape of Qwen2.5 0.5B and 1.5B: this is about speed alone. The
rows are the sample company's conversations, as `deskhand train dialogue` makes them, through the
trainer that it uses. Where torch sees no GPU, the rows of the case say that nothing was measured.

A second is one after the first steps, without reading, saving and scoring. Tokens are those of the
conversations, padding not counted. Low-rank adapters on N frozen parameters take 4 N operations a
token: forward, and backward to the activations alone; attention's own products are left out, and
so is what is computed again for padding. The peak is the maker's for dense bfloat16.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from benchmarks.shell import SAMPLES, row
from data.schema import Example
from finetune.config import TrainConfig
from finetune.dialogue.causal import causal_trainer
from finetune.reading import Splits
from finetune.reading.dialogues import read_dialogues
from finetune.run_dir import RunDir

NOT_MEASURED = "not measured"
WARM, TIMED = 5, 20  # steps before the clock starts, and until it stops
PEAK = {"H100": 989.4e12, "H200": 989.4e12, "A100": 312e12, "L4": 121e12}  # bfloat16, dense
OPERATIONS = {"lora": 4, "full": 6}  # a parameter and token


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a Qwen2.5 model; its head and its word vectors are one matrix."""

    name: str
    hidden: int
    feed_forward: int
    layers: int
    heads: int
    key_values: int
    vocabulary: int = 151_936


@dataclass(frozen=True, slots=True)
class Way:
    """How a shape is tuned."""

    method: str = "lora"
    precision: str = "bf16"
    pack: bool = True
    max_tokens: int = 1024
    batch_size: int = 16

    @property
    def name(self) -> str:
        """For a row."""
        packed = f"packed to {self.max_tokens}" if self.pack else "a conversation a row"
        return f"{self.method}, {self.precision}, {packed}, batch {self.batch_size}"


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of one training."""

    tokens_a_second: float
    parameters: int
    memory_gib: float

    def share(self, way: Way, peak: float) -> float:
        """Of the peak (operations a second) that the training's own operations are."""
        return self.tokens_a_second * OPERATIONS[way.method] * self.parameters / peak


SHAPES = (
    Shape("0.5 B", 896, 4864, 24, 14, 2),
    Shape("1.5 B", 1536, 8960, 28, 12, 2),
)
WAYS = (Way(), Way(pack=False), Way(precision="fp32", batch_size=8))


def run(datasets: Path) -> list[dict[str, Any]]:
    """A row for each shape and way; sets of others are not read."""
    if not torch.cuda.is_available():
        return [row(f"{shape.name}: {way.name}: tokens a second", NOT_MEASURED)
                for shape in SHAPES for way in WAYS]  # fmt: skip
    rows = []
    device = torch.cuda.get_device_name()
    peak = next((value for name, value in PEAK.items() if name in device), None)
    for shape in SHAPES:
        for way in WAYS:
            with tempfile.TemporaryDirectory() as name:
                speed = measure(shape, way, Path(name))
            share = (f", {speed.share(way, peak):.3f} of {peak / 1e12:.0f} TFLOPS"
                     if peak is not None and way.precision == "bf16" else "")  # fmt: skip
            aim = "0.40 of the peak" if shape is SHAPES[-1] and way is WAYS[0] else ""
            rows.append(
                row(f"{shape.name}: {way.name}: tokens a second", round(speed.tokens_a_second), aim,
                    f"{speed.memory_gib:.1f} GiB at most{share}; {speed.parameters / 1e9:.2f} "
                    f"billion parameters; {device}")
            )  # fmt: skip
    return rows


def measure(
    shape: Shape, way: Way, folder: Path, warm: int = WARM, timed: int = TIMED, device: str = "cuda"
) -> Speed:
    """Train `warm` + `timed` steps and time the latter."""
    examples = read_dialogues(SAMPLES / "conversations.jsonl")
    write_model(shape, examples, folder / "base")
    steps = warm + timed
    config = TrainConfig.model_validate({
        "task": "dialogue", "encoder": str(folder / "base"), "method": way.method,
        "device": device, "max_tokens": way.max_tokens,
        "dialogue": {"pack": way.pack, "max_target_tokens": 128},
        "optim": {"batch_size": way.batch_size, "max_steps": steps, "precision": way.precision},
    })  # fmt: skip
    # Packed rows hold several conversations: enough of them for every step, read again and again.
    rows = list(itertools.islice(itertools.cycle(examples), steps * way.batch_size * 8))
    trainer: Any = causal_trainer(config, Splits(rows, examples[:2], []), RunDir(folder / "run"))
    clock = _Clock(warm)
    trainer.add_callback(clock)
    lengths = _counted(trainer)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    tokens = sum(itertools.islice(lengths, warm, steps))
    memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else 0.0
    network = trainer.model
    return Speed(
        tokens / clock.seconds,
        sum(each.numel() for each in network.parameters() if not each.requires_grad)
        or sum(each.numel() for each in network.parameters()),
        memory,
    )


def write_model(shape: Shape, examples: Sequence[Example], folder: Path) -> None:
    """Random weights of the shape, with a tokenizer made of the examples' words."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = [turn.text for each in examples if each.situation for turn in each.situation.turns]
    words.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=min(8000, shape.vocabulary),
            initial_alphabet=alphabet,
            special_tokens=["<end>", "<pad>"],
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<end>", pad_token="<pad>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_values,
        tie_word_embeddings=True,
        max_position_embeddings=32_768,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.eos_token_id,
    )
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds from the end of step `warm` to the end of training's last step."""

    def __init__(self, warm: int) -> None:
        self._warm = warm
        self._start = self.seconds = 0.0

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **more: Any,  # noqa: ANN401 - what the library passes
    ) -> None:
        """See transformers.TrainerCallback."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if state.global_step == self._warm:
            self._start = time.perf_counter()
        self.seconds = time.perf_counter() - self._start


def _counted(trainer: Any) -> Iterator[int]:  # noqa: ANN401 - a transformers Trainer
    """Tokens of each batch that the trainer will have read, padding left out."""
    seen: list[int] = []
    collate = trainer.data_collator

    def counting(rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a batch
        seen.append(sum(len(each["input_ids"]) for each in rows))
        return collate(rows)

    trainer.data_collator = counting
    return iter(seen)
