"""Whether somebody passed the customer on to somebody else."""

import re

from data.schema import Answer, Turn

_GAVE = re.compile(
    r"\b(?:(?:I|we)(?:['’]m| am|['’]re| are|['’]ve| have|['’]ll| will|['’]d better)?|let me"
    r"|going to)"
    r"\s+(?:\w+\s+){0,1}?(?:pass|hand|transferr?|escalat|forward)(?:s|e|ed|ing)?\s+(?:\w+\s+){0,5}?"
    r"(?:to|over|on to)\b"
    r"|\bput(?:ting)? you through\b"
    r"|(?:^|[.!?]\s+)(?:sorry,?\s+)?(?:passing|passed|handing|transferring)"
    r" (?:it|this|you|your|on|to)\b",
    re.I,
)
_WILL_CALL = re.compile(
    r"\b(?:colleagues?|managers?|supervisor|team lead|specialist|somebody|someone)\b[^.!?]{0,60}?"
    r"(?:\bwill|['’]ll|\bcan|\bto)\s+(?:\w+\s+){0,2}?"
    r"(?:ring|call|phone|telephone|write|mail|email|e-mail|contact|be in touch|take over)\b",
    re.I,
)
_ACTION = re.compile(r"\b(?:hand[_ ]?over|transfer|escalat\w*|pass[_ ]on|handoff)\b", re.I)


def passed_on(turn: Turn) -> bool:
    """Whether an agent's turn passes the customer on: its action says so, else its words do."""
    if turn.action and _ACTION.search(turn.action.replace("_", " ")):
        return True
    return bool(_GAVE.search(turn.text) or _WILL_CALL.search(turn.text))


def left_to_people(answer: Answer) -> bool:
    """Whether an app hands over, or says why it does not answer."""
    return answer.hand_over or answer.reason is not None
