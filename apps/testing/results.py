"""The results as lines for people and as plain values for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.testing.coverage import Coverage, Part
from apps.testing.running import Failure, Ran, Subject, Verdict

LONGEST = 160  # characters of an expected or given value in a line


def result_values(subjects: Sequence[Subject], coverages: Mapping[str, Coverage]) -> dict[str, Any]:
    """What `--json` prints: n = passed + len(failed) + len(expected_failures)."""
    ran = all_ran(subjects)
    failed = of(ran, "failed")
    surprises = of(ran, "passed_unexpectedly")
    return {
        "n": len(ran),
        "passed": len(of(ran, "passed")) + len(surprises),
        "failed": [_values(each) for each in failed],
        "expected_failures": [
            {**_values(each), "why": each.conversation.expected_failure}
            for each in of(ran, "failed_as_expected")
        ],
        "unexpected_passes": [_place(each) for each in surprises],
        "turns": sum(len(each.answers) for each in ran),
        "coverage": {name: each.to_dict() for name, each in coverages.items()},
    }


def result_lines(subjects: Sequence[Subject], coverages: Mapping[str, Coverage]) -> Iterator[str]:
    """A line for each missed expectation, for each surprise, then counts and coverage."""
    ran = all_ran(subjects)
    for each in of(ran, "failed"):
        for failure in each.failures:
            yield f"FAILED {_told(each, failure)}"
    for each in of(ran, "failed_as_expected"):
        where = f"{each.path}:{each.line}: {each.conversation.name}"
        yield f"expected failure {where}: {each.conversation.expected_failure}"
    for each in of(ran, "passed_unexpectedly"):
        yield (
            f"UNEXPECTED PASS {each.path}:{each.line}: {each.conversation.name}: "
            f"take its expected_failure out ({each.conversation.expected_failure})"
        )
    yield count_line(ran)
    for name, coverage in coverages.items():
        for workflow, part in coverage.workflows.items():
            yield _covered(f"{name}, workflow {workflow}", "steps and endings reached", part)
        if coverage.intents.reached or coverage.intents.missed:
            yield _covered(f"{name}", "intents expected somewhere", coverage.intents)


def count_line(ran: Sequence[Ran]) -> str:
    """How many there were of each kind."""
    told = [f"{len(of(ran, 'failed'))} failed"]
    if expected := of(ran, "failed_as_expected"):
        told.append(f"{len(expected)} failed as expected")
    if surprises := of(ran, "passed_unexpectedly"):
        told.append(f"{len(surprises)} of those that passed were expected to fail")
    passed = len(of(ran, "passed")) + len(of(ran, "passed_unexpectedly"))
    return f"{len(ran)} conversations: {passed} passed, {', '.join(told)}"


def all_ran(subjects: Sequence[Subject]) -> list[Ran]:
    """All conversations, in the order they were run."""
    return [each for subject in subjects for each in subject.ran]


def of(ran: Sequence[Ran], verdict: Verdict) -> list[Ran]:
    """Those of one verdict."""
    return [each for each in ran if each.verdict == verdict]


def value_text(value: Any, longest: int = LONGEST) -> str:  # noqa: ANN401 - whatever JSON holds
    """A value on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _told(each: Ran, failure: Failure) -> str:
    miss = failure.miss
    return (
        f"{each.path}:{failure.line}: {each.conversation.name}, turn {failure.turn}: {miss.what}: "
        f"expected {value_text(miss.expected)}, got {value_text(miss.got)}"
    )


def _covered(name: str, what: str, part: Part) -> str:
    total = len(part.reached) + len(part.missed)
    never = f"; never: {', '.join(part.missed)}" if part.missed else ""
    return f"{name}: {len(part.reached)} of {total} {what}{never}"


def _place(each: Ran) -> dict[str, Any]:
    return {"conversation": each.conversation.name, "file": str(each.path), "line": each.line}


def _values(each: Ran) -> dict[str, Any]:
    failures = [
        {
            "turn": failure.turn,
            "line": failure.line,
            "what": failure.miss.what,
            "expected": failure.miss.expected,
            "got": failure.miss.got,
        }
        for failure in each.failures
    ]
    return {**_place(each), "failures": failures}
