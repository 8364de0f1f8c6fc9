"""The README's table: a few figures of BENCHMARKS.md, copied from the same results.

    python -m benchmarks.run --render          writes it again

Change what is shown in FIGURES. A figure is named by the title of its table and the start of its
row there; one that is not there says `not measured`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
MISSING = "not measured"
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A line: what it says, the table it is from, the row, and rows of that table beside it."""

    says: str
    table: str
    what: str
    beside: tuple[tuple[str, str], ...] = ()  # name, row


FEW = "BANKING77, few rows an intent"
SUMMARIES = "Summaries of TweetSumm"
STACKFAQ = "Retrieval: StackFAQ"
STAR = "STAR: the next action"
SCALE = "An index from 1,000 to 1,000,000 rows"
FIGURES = (
    Figure(
        "BANKING77, 10 rows an intent: accuracy", FEW, "10-shot: Deskhand",
        (("SetFit", "10-shot: SetFit"),
         ("frozen encoder + logistic regression", "10-shot: frozen encoder"),
         ("plain Trainer script", "10-shot: plain Trainer script at")),
    ),
    Figure("its CPU time, share of SetFit's", FEW, "10-shot: CPU seconds of the process"),
    Figure(
        "BANKING77, all rows: accuracy", "BANKING77, full training set", "Deskhand",
        (("frozen encoder + logistic regression", "frozen encoder"),
         ("plain Trainer script", "plain Trainer script at"),
         ("TF-IDF + linear SVM", "TF-IDF")),
    ),
    Figure(
        "CLINC150, in scope: accuracy", "CLINC150", "in scope, nothing refused: Deskhand",
        (("frozen encoder + logistic regression", "in scope, nothing refused: frozen"),),
    ),
    Figure(
        "StackFAQ, paraphrased questions: MRR", STACKFAQ, "StackFAQ: ours, rows for titles: MRR",
        (("vectors alone", "StackFAQ: untuned encoder: MRR"), ("BM25", "StackFAQ: BM25: MRR")),
    ),
    Figure(
        "a million passages, vectors: p50 · p95, ms", SCALE, "1,000,000 rows: vectors, p50",
        (("bare FAISS, flat", "1,000,000 rows: bare FAISS"),),
    ),
    Figure(
        "TweetSumm, quoted summaries: ROUGE-1 / 2 / L", SUMMARIES,
        "TweetSumm, 110 rows: ours, quoted",
        (("LexRank", "TweetSumm, 110 rows: LexRank"), ("lead-3", "TweetSumm, 110 rows: lead-3")),
    ),
    Figure(
        "STAR, the agent's next action: accuracy", STAR, "next action, trained run: accuracy",
        (("nearest context", "next action, nearest training context"),
         ("TF-IDF and a linear model", "next action, TF-IDF and a linear model,")),
    ),
    Figure("a turn of the bot: p50, ms", "A bot's turn", "selecting: a turn, p50"),
    Figure("from nothing to an answer on the page, s", "deskhand demo", "from nothing to an"),
)  # fmt: skip


def block(tables: Tables, figures: Sequence[Figure] = FIGURES) -> str:
    """The table in Markdown, between its marks."""
    lines = [
        f"| {each.says} | {_value(tables, each.table, each.what)} | "
        + ", ".join(f"{name} {_value(tables, each.table, what)}" for name, what in each.beside)
        + " |"
        for each in figures
    ]
    head = "| on two CPU cores | Deskhand | beside it |\n|---|---|---|"
    return "\n".join((BEGIN, head, *lines, END))


def placed(page: str, tables: Tables) -> str:
    """The page with the block in place of the one that it has."""
    return page.split(BEGIN)[0] + block(tables) + page.split(END)[1]


def _value(tables: Tables, table: str, what: str) -> str:
    for title, rows in tables.items():
        if title.startswith(table):
            for row in rows:
                if str(row["what"]).startswith(what):
                    return str(row["value"])
    return MISSING
