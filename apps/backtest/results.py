"""What a backtest came to: shares, hours, agreement, and the wrong ones, as lines and as values."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from apps.backtest.pairs import Agreement
from apps.backtest.running import Backtest, Judged
from apps.testing.results import value_text

WHY = {
    "unlike": "does not come to the same",
    "person_passed_on": "the person passed it on",
}
_WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Hours:
    """Work saved, in hours, if an answer takes a person `minutes`, which is an assumption.

    `all` is that of every answered message. `weeks` is the time from the log's first answer to its
    last, and `wait_minutes` the median time that customers waited for those answers that the app
    would have given rightly; both are None where the log tells no times.
    """

    minutes: float
    saved: float
    all: float
    weeks: float | None
    wait_minutes: float | None


def hours_of(found: Backtest, minutes: float) -> Hours:
    """The hours of the answers that were right; a right hand-over saves nothing."""
    right, counted = found.of("right"), _counted(found)
    times = sorted(_aware(turn.time) for turn in counted if turn.time)
    weeks = (times[-1] - times[0]).total_seconds() / _WEEK if len(times) > 1 else None
    waits = [turn.wait_s for turn in right if turn.wait_s is not None and turn.wait_s >= 0]
    return Hours(
        minutes,
        len(right) * minutes / 60,
        len(counted) * minutes / 60,
        weeks,
        median(waits) / 60 if waits else None,
    )


def result_values(found: Backtest, hours: Hours, agreement: Agreement) -> dict[str, Any]:
    """What `--json` prints: turns = right + wrong + handed_over; shares are 0 to 1."""
    counted = _counted(found)
    right, wrong, passed = (found.of(kind) for kind in ("right", "wrong", "handed_over"))
    return {
        "conversations": found.conversations,
        "turns": len(counted),
        "right": len(right),
        "wrong": len(wrong),
        "handed_over": len(passed),
        "handed_over_as_the_person": sum(turn.why == "as_the_person" for turn in passed),
        "left_out": len(found.of("left_out")),
        "right_share": len(right) / len(counted),
        "wrong_share": len(wrong) / len(counted),
        "handed_over_share": len(passed) / len(counted),
        "why_right": dict(Counter(turn.why for turn in right)),
        "hours": asdict(hours),
        "judge": asdict(agreement),
        "steps": {step: dict(kinds) for step, kinds in steps_of(found).items()},
        "wrong_ones": [asdict(turn) for turn in wrong],
        "bad_rows": len(found.bad),
        "resumed_at": found.before,
    }


def steps_of(found: Backtest) -> dict[str, Counter[str]]:
    """How often each step of the app was right, wrong or a hand-over, the most used first."""
    steps: dict[str, Counter[str]] = {}
    for turn in _counted(found):
        steps.setdefault(turn.step or "(none)", Counter())[turn.kind] += 1
    return dict(sorted(steps.items(), key=lambda each: -each[1].total()))


def result_lines(found: Backtest, hours: Hours, agreement: Agreement) -> Iterator[str]:
    """A line for each wrong one, then where they come from, and the figures."""
    for turn in found.of("wrong"):
        yield (
            f"WRONG {turn.conversation}, turn {turn.turn}, {turn.step}: {WHY[turn.why]}: "
            f"customer: {value_text(turn.question)} | person: {value_text(turn.human)} | "
            f"app: {value_text(turn.answer)}"
        )
    wrong = [
        f"{step} {kinds['wrong']}" for step, kinds in steps_of(found).items() if kinds["wrong"]
    ]
    if wrong:
        yield f"wrong ones by step: {', '.join(wrong)}"
    yield from figure_lines(found, hours, agreement)


def figure_lines(found: Backtest, hours: Hours, agreement: Agreement) -> Iterator[str]:
    """The figures, with what they rest on."""
    counted = len(_counted(found))
    right, wrong, passed = (len(found.of(kind)) for kind in ("right", "wrong", "handed_over"))
    as_person = sum(turn.why == "as_the_person" for turn in found.of("handed_over"))
    left_out = len(found.of("left_out"))
    yield (
        f"{counted} messages that a person answered, in {found.conversations} conversations: would "
        f"have answered {right / counted:.1%} rightly, wrongly {wrong / counted:.1%}, handed over "
        f"{passed / counted:.1%} ({as_person} of {passed} where the person did so too)"
    )
    if left_out:
        yield f"left out: {left_out} whose human answer is marked as bad"
    weeks = hours.weeks
    rate = (
        f", {hours.saved / weeks:.2f} a week of {weeks:.0f} weeks" if weeks and weeks >= 1 else ""
    )
    yield (
        f"hours saved: {hours.saved:.1f} of {hours.all:.1f}{rate}, if an answer takes a person "
        f"{hours.minutes:g} minutes (an assumption: --minutes-per-answer); what wrong answers "
        "cost is not taken off"
    )
    if hours.wait_minutes is not None:
        yield (
            f"customers waited {hours.wait_minutes:.1f} minutes (median) for what the app would "
            "have answered rightly; that is no work time"
        )
    yield (
        f"the judge of likeness agrees with a person on {agreement.accuracy:.0%} of {agreement.n} "
        f"pairs that it was not fitted on (Cohen's kappa {agreement.kappa:.2f}; fitted on "
        f"{agreement.fitted_on} others): {agreement.precision:.0%} of what it calls right is right "
        f"and it calls {agreement.recall:.0%} of what is right so"
    )


def _counted(found: Backtest) -> list[Judged]:
    return [turn for turn in found.turns if turn.kind != "left_out"]


def _aware(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
