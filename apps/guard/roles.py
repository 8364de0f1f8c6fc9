"""Whether a fact's value is told of what its name says: an ordering's day is no dispatch's."""

import re

from apps.guard.evidence import Evidence, Read, Source, same, sentence_of, words_of
from apps.guard.finding import Value
from apps.guard.marks import holds_code, plain
from apps.guard.words import content

# What happened, in the words that facts' names and answers have for it.
_EVENTS = {
    "ordering": r"order(?:ed| date| day| placed)|plac(?:ed|ing)|bought|purchas\w+|paid for",
    "leaving": r"dispatch\w*|despatch\w*|sent|send(?:ing)?|shipp\w+|posted|left|leaves?|leaving"
    r"|issued?|(?:went|goes|gone|going) out|handed over to (?:the )?(?:carrier|courier)"
    r"|paid (?:\w+ )?(?:out|back)",
    "arriving": r"deliver\w*|arriv\w*|reach\w*|land(?:s|ed)|c[ao]mes?|receiv\w*|turn(?:s|ed) up|due"
    r"|(?:be )?with you|got (?:here|there|to)|expected",
    "ending": r"until|till|expir\w*|valid (?:until|to|till)|runs? out|ends?|ended|closes?",
    "beginning": r"begins?|began|starts?|started|valid from",
}
_EVENT = re.compile(
    "|".join(rf"(?P<{name}>\b(?:{said})\b)" for name, said in _EVENTS.items()), re.I
)
_GENERAL = content("order number date day time id code name item product amount value sum other")
_CODE = re.compile(r"[A-Za-z]{1,4}[- ]?\d{4,}")  # the name of a fact may be an order's number


def another_fact(value: Value, answer: Read, evidence: Evidence) -> str:
    """Why a value that facts hold is told of another one's; empty where it is not.

    Of the words that tell the names of the two facts apart, the answer's clause has some of the
    other's and none of its own, or has the other's whole name and not its own.
    """
    facts = evidence.of("fact")
    own = [fact for fact in facts if _holds(fact, value)]
    if _paired_with_another(value, answer, facts, own):
        return "a fact says it of another"
    first, last = sentence_of(answer.text, value)
    beside = [each for each in answer.held if first <= each.start < last and each is not value]
    rivals = [
        fact
        for fact in facts
        if fact not in own
        and any(_alike(value, each) for each in fact.told.held)
        and not any(_holds(fact, each) for each in beside if not any(_holds(x, each) for x in own))
    ]
    if value.kind == "date" and _of_another_event(value, answer.text[first:last], own, evidence):
        return "a fact says it of something else"
    if not own or not rivals or not value.unit or value.kind == "code":
        return ""
    clause = words_of(answer, value) | _events(answer.text[first:last])
    asked = [source.told.text for source in evidence.of("said")[-1:]]
    if any(_of_code(rival, own, answer.text[first:last], asked) for rival in rivals):
        return "a fact says it of another"
    names = [_named(fact) for fact in own]
    if any(mine & clause for mine in names):
        return _nearer(rivals, names, clause)
    return _nearer(rivals, names, clause.union(*(content(text) | _events(text) for text in asked)))


def _of_another_event(value: Value, sentence: str, own: list[Source], evidence: Evidence) -> bool:
    """Whether all facts with that day name what happened on it, and the sentence something else."""
    happened, told = [_events(fact.name.replace("_", " ")) for fact in own], _events(sentence)
    if not told or not happened or any(not each or each & told for each in happened):
        return False
    return not any(
        same(value, each, "said") for source in evidence.of("said") for each in source.told.held
    )


def _nearer(rivals: list[Source], names: list[frozenset[str]], said: frozenset[str]) -> str:
    if any(all(_closer(_named(rival), mine, said) for mine in names) for rival in rivals):
        return "a fact says it of something else"
    return ""


def _paired_with_another(
    value: Value, answer: Read, facts: list[Source], own: list[Source]
) -> bool:
    """Whether the code before it in its sentence names a fact, and none that holds it."""
    first, _ = sentence_of(answer.text, value)
    before = [form for _, form, start, _ in answer.marks if first <= start < value.start]
    named = [fact for fact in facts if before and before[-1] in _codes(fact.name)]
    return bool(own and named) and not any(fact in own for fact in named)


def _closer(theirs: frozenset[str], mine: frozenset[str], clause: frozenset[str]) -> bool:
    if (mine - theirs) & clause:
        return False
    return bool((theirs - mine) & clause) or bool(theirs and theirs < mine and theirs <= clause)


def _of_code(rival: Source, own: list[Source], sentence: str, asked: list[str]) -> bool:
    """Whether the sentence, or else the question, has the code that is the rival's name alone."""
    theirs = _codes(rival.name)
    mine = [code for fact in own for code in _codes(fact.name)]
    for text in [sentence, *asked]:
        if any(holds_code(text, code) for code in mine):
            return False
        if any(holds_code(text, code) for code in theirs):
            return bool(mine)
    return False


def _codes(name: str) -> list[str]:
    return [plain("code", match.group()) for match in _CODE.finditer(name)]


def _named(fact: Source) -> frozenset[str]:
    name = fact.name.replace("_", " ")
    return content(_EVENT.sub(" ", name)) - _GENERAL | _events(name)


def _events(text: str) -> frozenset[str]:
    return frozenset(f"event {match.lastgroup}" for match in _EVENT.finditer(text))


def _holds(fact: Source, value: Value) -> bool:
    return any(same(value, each, "fact") for each in fact.told.held)


def _alike(value: Value, other: Value) -> bool:
    """Whether the two could be mistaken for one another."""
    return value.kind == other.kind and (value.unit == other.unit or value.kind == "date")
