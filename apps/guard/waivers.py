"""What an answer says that it makes no difference, though a passage's rule turns on it."""

import re
from collections.abc import Iterator

from apps.guard.cases import Case, against
from apps.guard.denials import clauses_told
from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.promises import NO
from apps.guard.words import content
from retrieval import sentences

_NOT = r"(?:won['’]t|will not|does(?:n['’]t| not)|do(?:n['’]t| not)|shouldn['’]t|should not)"
# "Even opened", "dishwasher or no dishwasher", "despite the drop", "three weeks is no problem".
_WAIVES = re.compile(
    r"\beven (?:if |when |though |after |once |with |for )?(?P<even>[^,.;:!?]{3,40})"
    r"|\b(?P<same>\w+)(?: it)? or (?:no |not to |un)(?P=same)\b"
    r"|\b(?P<either>\w+)(?: it)? or not\b"
    r"|\b(?:despite|in spite of|regardless of|irrespective of|no matter) (?P<despite>[^,.;:!?]+)"
    r"|(?P<subject>[^,.;:!?]{3,40}?) (?:(?:is|are|was|were)(?:n['’]t| not)? (?:no|any|an?) "
    r"(?:\w+ )?(?:issue|problem|bother|obstacle|trouble|matter|worry|concern|deal|bar)\b"
    rf"|{_NOT} (?:hurt|matter|stand in the way|be (?:a|any) (?:problem|issue|bar)|change (?:that"
    r"|anything|a thing))\b|(?:is|are) (?:close|near|good) enough\b|happens?\b(?= *[.,;:!?]))",
    re.I,
)
_CONCEDES = re.compile(r"\b(?:even|whether|regardless|despite|or not|no matter)\b", re.I)


def waived(answer: str, evidence: Evidence, case: Case) -> Iterator[Finding]:
    """A finding for each thing that is waved through though a passage says no to it."""
    matches = [*_WAIVES.finditer(answer)]
    if not matches or any(_CONCEDES.search(each.told.text) for each in evidence.of("passage")):
        return
    no, _ = clauses_told(evidence)
    rules = "\n".join(each.told.text for each in evidence.of("passage"))
    for match in matches:
        said = next(group for group in match.groups() if group)
        first, last = next(
            span for span in sentences.spans(answer) if span[0] <= match.start() < span[1]
        )
        rest = f"{answer[first : match.start()]} {answer[match.end() : last]}"
        if answer[last - 1] in "?？" or NO.search(rest):
            continue
        words = content(said)
        if any(words & clause for clause in no) or against(
            rules, Case(case.words, said, "", (), ())
        ):
            why = "a passage's rule turns on it"
            yield Finding("promise", match.group(), match.start(), match.end(), why)
