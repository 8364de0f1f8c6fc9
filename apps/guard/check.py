"""Whether an answer that a model generated may be sent: every claim must stand somewhere."""

from collections.abc import Iterator, Mapping, Sequence

from apps.guard.backing import broken
from apps.guard.binding import unbacked
from apps.guard.cases import Case
from apps.guard.denials import allowed
from apps.guard.evidence import Evidence, Read, about, gather, read
from apps.guard.finding import Entailment, Finding, Kind
from apps.guard.leaks import leaks
from apps.guard.marks import holds_code, plain
from apps.guard.opposites import opposite
from apps.guard.posture import yes_to_no
from apps.guard.products import other_things, unknown_names
from apps.guard.promises import made, segment
from apps.guard.topics import OF_MONEY
from apps.guard.waivers import foretold, waived
from data import sentences
from data.schema import Passage

ENTAILED = 0.5  # how sure a model must be that a sentence follows
MAX_CHARS = 4000  # of an answer; a longer one is not checked but stopped
MAX_FIGURES = 100  # and links and codes; each is compared with all others, so more take seconds
_CLAIM = 4  # words of the shortest sentence that a model is asked about


def check(
    answer: str,
    passages: Sequence[Passage],
    said: Sequence[str],
    facts: Mapping[str, str],
    *,
    system: str = "",
    entailment: Entailment | None = None,
    entailed: float = ENTAILED,
    whole: bool = True,
) -> tuple[Finding, ...]:
    """What in an answer nothing stands behind; empty where it may be sent.

    Args:
        answer: What a model wrote.
        passages: What it was given to write it from.
        said: The customer's own turns. They back values, but no link and no promise.
        facts: What an action found or did, name to value, such as `status`: `cancelled`.
        system: The model's instructions, of which nothing may be said.
        entailment: A model that is asked about each sentence as well.
        entailed: How sure it must be that one follows.
        whole: Whether nothing comes after, which may yet say for when it holds.

    Returns:
        Findings in the order of the answer.
    """
    if len(answer) > MAX_CHARS:
        return (
            Finding("unsupported", answer, 0, len(answer), f"longer than {MAX_CHARS} characters"),
        )
    taken = read(answer)
    if len(taken.held) > MAX_FIGURES:
        why = f"more than {MAX_FIGURES} figures, links and codes"
        return (Finding("unsupported", answer, 0, len(answer), why),)
    evidence = about(gather(passages, said, facts), taken)
    promises = made(answer)
    of_money = [(each.first, each.last) for each in promises if each.name in OF_MONEY]
    parts = [segment(answer, each) for each in promises]
    found = [*unbacked(taken, evidence, of_money, parts)]
    found += _marks(taken, evidence)
    case = Case.of(evidence, answer)
    found += broken(promises, answer, evidence, case)
    if not any(each.kind == "promise" for each in found):
        found += allowed(answer, evidence)
        found += waived(answer, evidence, case)
        found += foretold(answer, evidence)
        found += opposite(answer, evidence)
        if whole:
            found += yes_to_no(answer, evidence, case)
    found += unknown_names(answer, evidence)
    found += other_things(answer, evidence)
    if system:
        found += leaks(answer, system, "\n".join([*said, evidence.plain]))
    if entailment is not None:
        found += _unsupported(answer, evidence, entailment, entailed)
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.start, each.end, each.kind)))


def _marks(answer: Read, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each link, address and code that no source has, letter by letter."""
    for kind, form, start, end in answer.marks:
        if not _known(kind, form, evidence):
            why = f"no {'passage or fact' if kind == 'link' else 'source'} has it"
            yield Finding(kind, answer.text[start:end], start, end, why)


def _known(kind: Kind, form: str, evidence: Evidence) -> bool:
    origins = evidence.of("passage", "fact") if kind == "link" else evidence.sources
    if kind == "code":
        return any(holds_code(f"{source.name} {source.told.text}", form) for source in origins)
    if kind == "phone" and any(plain(kind, source.told.text) == form for source in origins):
        return True
    return any(
        (kind, form) == (other, theirs)
        for source in origins
        for other, theirs, _, _ in source.told.marks
    )


def _unsupported(
    answer: str, evidence: Evidence, model: Entailment, entailed: float
) -> Iterator[Finding]:
    premise = "\n".join(source.told.text for source in evidence.sources)
    for start, end in sentences.spans(answer):
        sentence = answer[start:end]
        claims = len(sentence.split()) >= _CLAIM and not sentence.endswith(("?", "？"))
        if claims and model.entails(premise, sentence) < entailed:
            yield Finding("unsupported", sentence, start, end, "a model finds no ground for it")
