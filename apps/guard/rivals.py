"""Whether a figure is another one's: of a higher tier, or of what is not asked for."""

import re
from decimal import Decimal

from apps.guard.evidence import Evidence, Read, same, sentence_of
from apps.guard.finding import Value
from apps.guard.words import content, uncompared

_CHINESE = re.compile(r"[\u3400-\u9fff]")  # whose words are pairs of characters
_ELLIPTIC = 2  # words of a clause that leaves out what the one before has said


def below_tier(value: Value, answer: Read, evidence: Evidence) -> str:
    """Why a count is too low for a price or percentage that holds from a higher one."""
    if value.kind not in ("price", "percentage"):
        return ""
    first, last = sentence_of(answer.text, value)
    counts = [each for each in answer.values if first <= each.start < last]
    counts = [each for each in counts if each.unit == "" and each.kind == "number"]
    if not counts:
        said = [each for source in evidence.of("said")[-1:] for each in source.told.values]
        counts = [each for each in said if each.unit == "" and each.kind == "number"]
    tiers = []
    for source in evidence.of("passage"):
        for start, end, _ in source.told.clauses:
            held = [each for each in source.told.values if start <= each.start < end]
            if any(same(value, each, "passage") for each in held):
                tiers += [x.said for x in held if x.unit == "" and x.bound == "up" and x.said]
    if not counts or not tiers:
        return ""
    most = max(each.said or Decimal(0) for each in counts)
    return "the sources say it of more pieces" if most < min(tiers) else ""


def asked_of_another(value: Value, answer: Read, evidence: Evidence) -> str:
    """Why the figure is another one's than what is asked for and spoken of; empty where it is not.

    Of the words that tell the figure's clause and a rival's apart, the sentence and the customer's
    last turn have some of the rival's and none of the figure's own.
    """
    said = evidence.of("said")
    first, last = sentence_of(answer.text, value)
    if value.kind in ("date", "time") or _CHINESE.search(answer.text[first:last]):
        return ""
    own = content(uncompared(answer.text, first, last, answer.held))
    known = own | (said[-1].words if said else frozenset())
    mine: list[frozenset[str]] = []
    limits: set[bool] = set()
    rivals: list[tuple[frozenset[str], bool]] = []
    beside = [other for other in answer.held if first <= other.start < last]
    many = len(evidence.of("passage")) > 1
    for source in evidence.of("passage"):
        title = content(source.title) if many else frozenset[str]()
        for other in source.told.held:
            words = inherited(source.told, other) | title
            if same(value, other, "passage"):
                mine.append(words)
                limits.add(bool(other.bound))
            elif other.unit == value.unit and not any(
                same(each, other, "passage") for each in beside
            ):
                rivals.append((words, bool(other.bound)))
    for rival, limit in rivals:
        if limit in limits and all(
            (rival - each) & known and not (each - rival) & known for each in mine
        ):
            return "the sources say it of something else"
    return ""


def of_tier(told: Read, value: Value) -> frozenset[str]:
    """What a tier's clause leaves out as the one before has said it; nothing for other figures."""
    start, end = next(
        ((a, b) for a, b, _ in told.clauses if a <= value.start < b), (0, len(told.text))
    )
    tier = value.kind == "percentage" and any(
        each.unit == "" and each.bound == "up" and start <= each.start < end for each in told.values
    )
    return inherited(told, value) if tier else frozenset()


def inherited(told: Read, value: Value) -> frozenset[str]:
    """The words of a value's clause, with those of the one before where it has hardly any."""
    words: frozenset[str] = frozenset()
    for start, end, own in told.clauses:
        short = len(own) <= _ELLIPTIC and start > sentence_of(told.text, value)[0]
        words = own | words if short else own
        if start <= value.start < end:
            break
    return words
