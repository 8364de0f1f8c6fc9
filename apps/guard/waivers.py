"""What an answer says that it makes no difference, though a passage's rule turns on it."""

import re
from collections.abc import Iterator

from apps.guard.cases import Case, against
from apps.guard.denials import clauses_told
from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.promises import NO
from apps.guard.words import content
from data import sentences

_NOT = r"(?:won['’]t|will not|does(?:n['’]t| not)|do(?:n['’]t| not)|shouldn['’]t|should not)"
# "Even opened", "dishwasher or no dishwasher", "despite the drop", "three weeks is no problem".
_WAIVES = re.compile(
    r"\beven (?:if |when |though |after |once |with |for )?(?P<even>[^,.;:!?]{3,40})"
    r"|\b(?P<same>\w+)(?: it)? or (?:no |not to |un)(?P=same)\b"
    r"|\b(?P<either>\w+)(?: it)? or not\b"
    r"|\b(?:despite|in spite of|regardless of|irrespective of|no matter) (?P<despite>[^,.;:!?]+)"
    r"|(?P<subject>[^\s,.;:!?][^,.;:!?]{2,40}?) (?:(?:is|are|was|were)(?: no|(?:n['’]t| not)"
    r" (?:any|an?)) (?:\w+ )?(?:issue|problem|bother|obstacle|trouble|matter|worry|concern|deal"
    r"|bar)\b"
    rf"|{_NOT} (?:hurt|matter|stand in the way|be (?:a|any) (?:problem|issue|bar)|change (?:that"
    r"|anything|a thing))\b|(?:is|are) (?:\w+ )?(?:fine|okay|ok|all right|alright"
    r"|acceptable)\b(?! (?:to|if|when|as long|within|for)\b)"
    r"|(?:is|are) (?:close|near|good) enough\b|happens?\b(?= *[.,;:!?]))",
    re.I,
)
_CONCEDES = re.compile(r"\b(?:even|whether|regardless|despite|or not|no matter)\b", re.I)
_DECIDES = re.compile(
    r"\b(?P<who>[A-Z]\w+)(?: itself| alone)? decides?\b|\bup to (?P<whose>[A-Z]\w+)"
)
_YES = (
    r"(?:accept\w*|approv\w*|agree\w*|says? yes|tak(?:e|es) you|wav(?:e|es) you|go(?:es)? through)"
)
_NO_YES = r"(?:turn\w* you (?:down|away)|refus\w*|reject\w*|declin\w*|says? no)"
_SURE_OF_IT = re.compile(
    rf"(?:\bwill|['’]ll|\bgoing to|\balways|\bcertain to|\bsure to|\bis bound to)(?: \w+)? {_YES}"
    rf"|(?:\bno (?:chance|danger|risk)|\bnever|\bwon['’]t|\bwill not"
    rf"|\bnot going to)\b[^,.;]* {_NO_YES}",
    re.I,
)
_OPEN = re.compile(r"\b(?:if|whether|decides?|up to|cannot|can['’]t|may|might|depends?)\b|\?", re.I)


def foretold(answer: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each sentence that knows how somebody else will decide."""
    deciders = {
        (match["who"] or match["whose"]).lower()
        for source in evidence.of("passage")
        for match in _DECIDES.finditer(source.told.text)
    }
    known = any(each in answer.lower() for each in deciders)
    for first, last in sentences.spans(answer) if known else []:
        sentence = answer[first:last]
        if _SURE_OF_IT.search(sentence) and not _OPEN.search(sentence):
            yield Finding(
                "promise", sentence, first, last, "a passage leaves that to somebody else"
            )


def waived(answer: str, evidence: Evidence, case: Case) -> Iterator[Finding]:
    """A finding for each thing that is waved through though a passage says no to it."""
    matches = [*_WAIVES.finditer(answer)]
    if not matches or any(_CONCEDES.search(each.told.text) for each in evidence.of("passage")):
        return
    no, _ = clauses_told(evidence)
    rules = "\n".join(each.told.text for each in evidence.of("passage"))
    for match in matches:
        said = next(group for group in match.groups() if group)
        spans = sentences.spans(answer)
        first, last = next((a, b) for a, b in spans if match.start() < b)
        rest = f"{answer[first : match.start()]} {answer[match.end() : last]}"
        if answer[last - 1] in "?？" or NO.search(rest):
            continue
        words = content(said)
        if any(words & clause for clause in no) or against(
            rules, Case(case.words, said, "", (), ())
        ):
            why = "a passage's rule turns on it"
            yield Finding("promise", match.group(), match.start(), match.end(), why)
