"""What a wizard of STAR answers: retrieved, ranked or written, against what was said.

The reference is the text with its values as they were. BLEU-4 is sacrebleu's, of the whole corpus.
A template is what an action stands for: it matches where the chosen answer was said with the right
action in training.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from benchmarks.shell import row
from benchmarks.star_actions import NOT_MEASURED, Contexts, Step, Steps
from data.pairs import context_of, merged
from data.schema import Situation
from finetune.dialogue.model import DialogueModel
from finetune.reply.model import ReplyModel
from finetune.run_dir import RunDir


def answer_rows(
    steps: Steps, vectors: Contexts, kept: Path, trained: Mapping[str, list[str]] | None
) -> list[dict[str, Any]]:
    """BLEU-4, exact match and template match on the test part, validation beside.

    Args:
        steps: By part.
        vectors: Of their contexts.
        kept: Where the runs `reply` and `dialogue` lie, if they were trained.
        trained: The next actions that a trained run tells, by part.
    """
    train = steps["train"]
    most = Counter(step.answer for step in train).most_common(1)[0][0]
    nearest = {part: each.argmax(axis=1) for part, each in vectors.likeness.items()}
    parts = ("validation", "test")
    rows = _told("most frequent answer", steps, {part: [most] * len(steps[part]) for part in parts})
    rows += _told(
        "answer of the nearest training context, frozen encoder",
        steps,
        {part: [train[place].answer for place in nearest[part]] for part in parts},
    )
    name = "answer of the nearest context with the predicted action"
    if trained is not None:
        actions = np.array([step.action for step in train])
        found = {}
        for part in parts:
            likeness = np.where(
                np.array(trained[part])[:, None] == actions, vectors.likeness[part], -2
            )
            found[part] = [train[place].answer for place in likeness.argmax(axis=1)]
        rows += _told(name, steps, found)
    else:
        rows.append(row(f"answer, {name}", NOT_MEASURED, "",
                        "python -m benchmarks.star next_action"))  # fmt: skip
    name = "tuned reply run ranks all training answers"
    if (kept / "reply").exists():
        rows += _told(name, steps, {part: ranked(kept / "reply", steps, part) for part in parts})
    else:
        rows.append(row(f"answer, {name}", NOT_MEASURED, "", "python -m benchmarks.star reply"))
    name = "written by a dialogue run"
    if (kept / "dialogue").exists():
        writer = DialogueModel(kept / "dialogue")
        given = trained if reads_step(kept / "dialogue") else None
        name += (" with the predicted action" if given else "") + learned(kept / "dialogue")
        written = {
            part: writer.write_all(situations(steps[part], given[part] if given else None))
            for part in parts
        }
        rows += _told(name, steps, written)
    else:
        rows.append(row(f"answer, {name}", NOT_MEASURED, "", "python -m benchmarks.star dialogue"))
    return rows


def reads_step(run: Path) -> bool:
    """Whether a dialogue run was trained on situations with their step."""
    step: str | None = RunDir(run).read_config()["train"]["dialogue"].get("step")
    return step == "given"


def situations(steps: Sequence[Step], actions: Sequence[str] | None) -> list[Situation]:
    """What a dialogue run writes from: the actions are what a model predicted, never the true."""
    if actions is None:
        return [step.situation for step in steps]
    return [
        replace(step.situation, step=action) for step, action in zip(steps, actions, strict=True)
    ]


def learned(run: Path) -> str:
    """How many answers a dialogue run learned from, and how long, as its config says."""
    config = RunDir(run).read_config()
    settings = config["train"]["dialogue"]
    most = settings["max_rows"] or config["rows"]["train"]
    return f", {most:,} training answers, {config['train']['optim']['epochs']:g} passes"


def _in_a_line(text: str) -> str:
    """Line breaks are no difference: a model that writes words has none."""
    return " ".join(text.split())


def ranked(run: Path, steps: Steps, part: str) -> list[str]:
    """For each step the training answer that the run puts first."""
    encoder = ReplyModel(run, threads=1).encoder
    answers = list(dict.fromkeys(step.answer for step in steps["train"]))
    contexts = [context_of(merged(step.situation.turns)) for step in steps[part]]
    scores = encoder.encode(contexts) @ encoder.encode(answers).T
    return [answers[place] for place in scores.argmax(axis=1)]


def bleu(said: Sequence[str], wanted: Sequence[str]) -> tuple[float, str]:
    """Corpus BLEU-4 in [0, 100], and sacrebleu's signature."""
    metric = BLEU()
    score = metric.corpus_score(list(said), [list(wanted)]).score
    return float(score), str(metric.get_signature())


def _told(name: str, steps: Steps, said: dict[str, list[str]]) -> list[dict[str, Any]]:
    test = steps["test"]
    actions = templates(steps["train"])
    hits = [step.action in actions[each] for step, each in zip(test, said["test"], strict=True)]
    said = {part: [_in_a_line(each) for each in texts] for part, texts in said.items()}
    wanted = {part: [_in_a_line(step.answer) for step in steps[part]] for part in said}
    score, signature = bleu(said["test"], wanted["test"])
    of_path = {
        path: [place for place, step in enumerate(test) if step.happy == (path == "happy")]
        for path in ("happy", "unhappy")
    }
    by_path = [
        f"{path} {_bleu_of(said['test'], wanted['test'], places)}"
        for path, places in of_path.items()
    ]
    exact = [
        f"{path} {np.mean([said['test'][p] == wanted['test'][p] for p in places]):.4f}"
        for path, places in of_path.items()
        if places
    ]
    same = {part: _share(said[part], wanted[part]) for part in said}
    return [
        row(f"answer, {name}: BLEU-4", round(score, 2), "",
            f"validation {bleu(said['validation'], wanted['validation'])[0]:.2f}; "
            f"{', '.join(by_path)}; {signature}"),
        row(f"answer, {name}: exact match", same["test"], "",
            f"validation {same['validation']:.4f}; {', '.join(exact)}; "
            f"template {np.mean(hits):.4f}"),
    ]  # fmt: skip


def templates(steps: Sequence[Step]) -> defaultdict[str, set[str]]:
    """The actions with which each answer was said."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for step in steps:
        found[step.answer].add(step.action)
    return found


def _share(said: Sequence[str], wanted: Sequence[str]) -> float:
    return float(np.mean([a == b for a, b in zip(said, wanted, strict=True)]))


def _bleu_of(said: Sequence[str], wanted: Sequence[str], places: Sequence[int]) -> str:
    if not places:
        return "none"
    return f"{bleu([said[p] for p in places], [wanted[p] for p in places])[0]:.2f}"
