"""A small shop's passages, and what several tests of its index need."""

from data.schema import Passage
from retrieval.questions import Question


def faq(identity, title, text="Yes.", kind="faq"):
    return Passage(identity, text, title, "faq.md#1", {"kind": kind})


SHOP = [
    faq("refund", "when does my refund arrive", "Five working days."),
    faq("parcel", "where is my parcel", "See the tracking page."),
    faq("warranty", "how long is the warranty", "Two years.", kind="policy"),
    faq("gift", "can i buy a gift card", "Ten to 250 pounds."),
]


class Killed(BaseException):
    """Stands for a kill: no code may catch it."""


def kill(*_, **__):
    raise Killed


def asked(text, *relevant):
    return Question(text, frozenset(relevant))


def ids(passages):
    return [passage.id for passage in passages]
