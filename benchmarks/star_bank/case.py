"""STAR's bank as a customer service bot: the next step, what it had read, whole dialogues.

    python -m benchmarks.run star_bank

Dialogues are those that were completed and have one task, split by the hash of their id, 80/10/10.
The workflows stand in `workflows.yaml`; intents are learned from the training dialogues. Slots are
read by their kinds, patterns and what customers call them, which were chosen on the training and
validation dialogues; there is no ner run.

Next step: at each place where a wizard took a step that the log names, the bot's step after the
wizard's dialogue so far, the bot put where the wizard's last step leads. What the wizard wrote
freely is not counted. Filled: of the last query of each dialogue, the slots whose value the bot
had by then. Done: a customer says what the real one said when asked for it, and the bot calls the
wizard's last successful query with the same values (of a report, any words), or no query where the
wizard had none that succeeded.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.shell import ROOT, row
from benchmarks.star_bank.bot import Bank, opened
from benchmarks.star_bank.dialogues import Dialogue, prepared, read
from benchmarks.star_bank.filled import DETAILS, filled
from benchmarks.star_bank.learning import learned, next_actions
from benchmarks.star_bank.next_step import Taken, taken
from benchmarks.star_bank.whole import Played, play
from data.steps import steps_of

KEPT = ROOT / "var" / "benchmarks" / "star_bank"
PARTS = ("validation", "test")

Said = Callable[[Taken], str]


def run(datasets: Path, kept: Path = KEPT) -> list[dict[str, Any]]:
    """Train what is missing, and measure both parts."""
    folder = prepared(datasets, kept)
    dialogues = {part: read(folder, part) for part in ("train", *PARTS)}
    runs = learned(folder, kept)
    bank = Bank()
    app = opened(bank, runs["intent"], kept)
    places = {part: list(taken(app, bank, dialogues[part])) for part in PARTS}
    played = {part: list(play(app, bank, dialogues[part])) for part in PARTS}
    model = {part: next_actions(runs["next_action"], dialogues[part]) for part in PARTS}
    return [
        row("dialogues: training, validation, test",
            ", ".join(str(len(each)) for each in dialogues.values()), "",
            ", ".join(f"{task} {n} of the test ones" for task, n in
                      Counter(each.task for each in dialogues["test"]).most_common())),
        *step_rows(places, dialogues["train"], model),
        *filled_rows(places),
        *whole_rows(played),
    ]  # fmt: skip


def step_rows(
    places: Mapping[str, Sequence[Taken]],
    train: Sequence[Dialogue],
    model: Mapping[str, Mapping[tuple[str, int], str]],
) -> Iterator[dict[str, Any]]:
    """The bot's next step beside two baselines and a model of next actions."""
    named = {part: [each for each in found if each.wizard] for part, found in places.items()}
    most, after = _frequent(train)
    freely = len(places["test"]) - len(named["test"])
    yield row("places where the wizard took a step that has a name: validation, test",
              ", ".join(str(len(named[part])) for part in PARTS), "",
              f"{freely} test places are left out, where it wrote freely")  # fmt: skip
    said: dict[str, Said] = {
        "the bot": lambda each: each.bot,
        "the most frequent step": lambda each: most,
        "the most frequent step after the wizard's last one": lambda each: after.get(
            each.before, most
        ),
    }
    for name, answer in said.items():
        yield _accuracy(name, named, answer)
    known = {part: [each for each in found if _key(each) in model[part]]
             for part, found in named.items()}  # fmt: skip
    merged = {**model["validation"], **model["test"]}
    yield _accuracy("a next_action run on a frozen encoder, same training dialogues", known,
                    lambda each: merged[_key(each)])  # fmt: skip
    wrong = Counter((each.wizard, each.bot) for each in named["test"] if each.wizard != each.bot)
    told = "; ".join(f"{wizard} / {bot} {n}" for (wizard, bot), n in wrong.most_common(6))
    yield row("steps that differ", sum(wrong.values()), "", f"wizard / bot: {told}")


def filled_rows(places: Mapping[str, Sequence[Taken]]) -> Iterator[dict[str, Any]]:
    """What the bot had of what the wizard looked up."""
    found = {part: list(filled(each)) for part, each in places.items()}
    who = {part: [right for name, right in each if name != DETAILS] for part, each in found.items()}
    by_slot = {
        name: [right for slot, right in found["test"] if slot == name]
        for name in dict.fromkeys(slot for slot, _ in found["test"])
    }
    yield row("slots filled: values of the wizard's query that the bot had", _share(who["test"]),
              "", f"validation {_share(who['validation']):.4f}; of {len(who['test'])}; "
              + "; ".join(f"{name} {sum(each)} of {len(each)}" for name, each in by_slot.items()
                          if name != DETAILS))  # fmt: skip
    details = {part: [right for name, right in each if name == DETAILS]
               for part, each in found.items()}  # fmt: skip
    yield row("the report of fraud: half the words of the wizard's stand in the bot's",
              _share(details["test"]), "",
              f"validation {_share(details['validation']):.4f}; "
              f"of {len(details['test'])}")  # fmt: skip


def whole_rows(played: Mapping[str, Sequence[Played]]) -> Iterator[dict[str, Any]]:
    """Whole dialogues with the scripted customer."""
    for name, which in (("done, where the wizard got it done", True),
                        ("nothing done, where the wizard could not do it", False)):  # fmt: skip
        found = {part: [each for each in some if (each.wanted is not None) == which]
                 for part, some in played.items()}  # fmt: skip
        told = _by_path([(each.dialogue, each.right) for each in found["test"]])
        messages = sum(len(each.messages) for each in found["test"]) / max(1, len(found["test"]))
        yield row(f"whole dialogues: {name}", _share([each.right for each in found["test"]]), "",
                  f"validation {_share([each.right for each in found['validation']]):.4f}; {told}; "
                  f"{messages:.1f} messages of a customer each")  # fmt: skip
        ends = Counter(_end(each) for each in found["test"] if not each.right)
        yield row(f"how the others ended ({name})", sum(ends.values()), "",
                  "; ".join(f"{end} {n}" for end, n in ends.most_common()))  # fmt: skip


def _frequent(train: Sequence[Dialogue]) -> tuple[str, dict[str, str]]:
    """The most frequent action, and the most frequent one after each."""
    follow: dict[str, Counter[str]] = {}
    for dialogue in train:
        before = ""
        for _, turn in steps_of(dialogue.conversation):
            follow.setdefault(before, Counter())[turn.action or ""] += 1
            before = turn.action or ""
    every = sum(follow.values(), Counter[str]())
    return every.most_common(1)[0][0], {
        name: each.most_common(1)[0][0] for name, each in follow.items()
    }


def _accuracy(name: str, named: Mapping[str, Sequence[Taken]], said: Said) -> dict[str, Any]:
    right = {
        part: [(each.dialogue, said(each) == each.wizard) for each in found]
        for part, found in named.items()
    }
    test, validation = ([hit for _, hit in right[part]] for part in ("test", "validation"))
    return row(f"next step, {name}: accuracy", _share(test), "",
               f"validation {_share(validation):.4f}; {_by_path(right['test'])}")  # fmt: skip


def _by_path(found: Sequence[tuple[Dialogue, bool]]) -> str:
    parts = [[right for dialogue, right in found if dialogue.happy == happy]
             for happy in (True, False)]  # fmt: skip
    return ", ".join(
        f"{name} {_share(each):.4f} of {len(each)}" if each else f"{name} none"
        for name, each in zip(("happy", "unhappy"), parts, strict=True)
    )


def _end(played: Played) -> str:
    if played.called:
        return "other values"
    last = played.answers[-1]
    return f"{last.step} ({last.reason})" if last.hand_over else last.step


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else float("nan")


def _key(place: Taken) -> tuple[str, int]:
    return place.dialogue.conversation.id, place.place
