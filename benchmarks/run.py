"""Run benchmark cases and write the tables of BENCHMARKS.md.

    python -m benchmarks.run CASE… [--datasets DIR]     run, write benchmarks/results/<case>.json
    python -m benchmarks.run finetune --list            its cells: there, missing, rough cost
    python -m benchmarks.run finetune --only 'banking77.full.*'     measure the missing ones of them
    python -m benchmarks.run --render                   write the tables from the results again

Cases stand in CASES. A result holds its figures with command, commit, machine, versions and seed.
The case `finetune` takes hours: each of its cells has a file under benchmarks/results/finetune/,
and one that is there is not measured again.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import (
    backtest,
    demo,
    discover,
    export,
    few_cores,
    gpu,
    guard,
    guideline,
    headline,
    highlights,
    logs,
    pretrain,
    rerank,
    retrieval,
    retrieval_scale,
    retrieval_tuned,
    rubric,
    samples,
    star,
    star_bank,
    summaries,
    turn,
    tweetsumm,
    tweetsumm_dialogue,
)
from benchmarks.circumstances import circumstances
from benchmarks.finetune import case as finetune
from benchmarks.finetune.tables import footnote, sections

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "BENCHMARKS.md"
README = PAGE.with_name("README.md")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SEED = 0
FINETUNE = "finetune"
SCALE = "retrieval_scale"

Case = Callable[[Path], list[dict[str, Any]]]
CASES: dict[str, tuple[str, Case]] = {
    "samples": ("The sample company, separately written test sets", samples.run),
    "faq": ("FAQ of the sample company, separately written questions", samples.faq),
    "retrieval": ("Retrieval: StackFAQ, refusal, Chinese", retrieval.run),
    "retrieval_topics": ("Refusal with the topics of labelled turns", retrieval.topics),
    "retrieval_tuned": ("Retrieval before and after tuning", retrieval_tuned.run),
    "rerank": ("The first candidates read again by a cross-encoder", rerank.run),
    "highlight": ("Highlighting the sentence that answers", highlights.run),
    "guard": ("The answer guard, labelled answers of the sample company", guard.run),
    "guideline": ("Cases written from the guideline alone, played to the bot", guideline.run),
    "backtest": (
        "Held-out conversations of the sample company replayed through the bot",
        backtest.run,
    ),
    "tweetsumm": ("TweetSumm reply ranking, 1 of 10, no labels", tweetsumm.run),
    "tweetsumm_dialogue": (
        "TweetSumm: what a dialogue run finds likely",
        tweetsumm_dialogue.run,
    ),
    "star": (
        "STAR: the next action and the answer, completed dialogues of one task",
        star.run,
    ),
    "star_bank": ("STAR's bank tasks as a bot, replayed on held-out dialogues", star_bank.run),
    "summaries": ("Summaries of TweetSumm: quoted, against LexRank and rules", summaries.run),
    "logs": ("Logs: redaction, mined answers, the rate and memory of `prepare`", logs.run),
    "export": ("From an export to a page", export.run),
    "discover": ("Topics of unlabelled turns", discover.run),
    "pretrain": (
        "Continued pre-training on the sample conversations, then a frozen head",
        pretrain.run,
    ),
    "gpu": ("A causal dialogue model of random weights tuned on a GPU", gpu.run),
    "rubric": ("Answers written, selected and by agents, judged blind", rubric.run),
    SCALE: ("An index from 1,000 to 1,000,000 rows, one core", retrieval_scale.run),
    "turn": ("A bot's turn by its parts", turn.run),
    "few_cores": ("On few cores: draws for dropout, threads that wait", few_cores.run),
    "demo": ("deskhand demo, from nothing and again, and a turn through the bot", demo.run),
}


def main(
    cases: Annotated[list[str] | None, typer.Argument(help=", ".join((*CASES, FINETUNE)))] = None,
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    render: Annotated[bool, typer.Option("--render", help="only write the tables")] = False,
    only: Annotated[list[str] | None, typer.Option(help="finetune: cells, a pattern")] = None,
    list_: Annotated[bool, typer.Option("--list", help="finetune: only list the cells")] = False,
    force: Annotated[bool, typer.Option("--force", help="finetune: measure again")] = False,
    setfit_python: Annotated[
        Path | None, typer.Option(help="finetune: an interpreter that has SetFit")
    ] = None,
    threads: Annotated[int, typer.Option(help="finetune: CPU threads of a cell", min=1)] = 2,
    sizes: Annotated[str, typer.Option(help="retrieval_scale: rows, by commas")] = "",
    peers_python: Annotated[
        Path | None, typer.Option(help="retrieval_scale: an interpreter that has the peers")
    ] = None,
) -> None:
    """Run cases (all of them when none is named) and write the tables."""
    if list_:
        typer.echo(finetune.listing(only or ()))
        return
    RESULTS.mkdir(exist_ok=True)
    wanted = [] if render else (cases or [*CASES, FINETUNE])
    for name in wanted:
        if name not in (*CASES, FINETUNE):
            raise typer.BadParameter(f"no case {name!r}; one of {', '.join((*CASES, FINETUNE))}")
    whole = True
    for name in wanted:
        if name == FINETUNE:
            whole = finetune.run(datasets, only or (), force, setfit_python, threads)
        elif name == SCALE:
            rows = [int(size) for size in sizes.split(",") if size] or retrieval_scale.SIZES
            _run(
                name, datasets, partial(retrieval_scale.run, sizes=rows, peers_python=peers_python)
            )
        else:
            _run(name, datasets, CASES[name][1])
    _render()
    if not whole:
        raise typer.Exit(1)


def _run(name: str, datasets: Path, case: Case) -> None:
    about = circumstances(f"python -m benchmarks.run {name}")
    start = time.perf_counter()
    rows = case(datasets)
    result = {"case": name, "rows": rows, "wall_s": round(time.perf_counter() - start, 1)}
    path = RESULTS / f"{name}.json"
    text = json.dumps(result | about | {"seed": SEED}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    typer.echo(f"{name}: {path}")


def _render() -> None:
    """Write the results' tables between the marks of BENCHMARKS.md, and a few into the README."""
    done = finished()
    told = {title: rows for title, rows, _ in done}
    missing = [title for title, _ in CASES.values() if title not in told]
    parts = [table(*each) for each in done] + [f"### {each}\n\nnot measured\n" for each in missing]
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{tail}", encoding="utf-8")
    README.write_text(headline.placed(README.read_text(encoding="utf-8"), told), encoding="utf-8")


def finished() -> list[tuple[str, Sequence[Mapping[str, str]], str]]:
    """Title, rows and how they were made, of every table that has results."""
    done: list[tuple[str, Sequence[Mapping[str, str]], str]] = []
    for name, (title, _) in CASES.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            result = json.loads(path.read_text(encoding="utf-8"))
            done.append((title, result["rows"], _made(result)))
    return done + [(title, rows, footnote(found)) for title, rows, found in sections()]


def table(title: str, rows: Sequence[Mapping[str, str]], made: str) -> str:
    """A heading, the rows, and how they were made."""
    lines = "\n".join(
        f"| {each['what']} | {each['value']} | {each.get('target', '')} | "
        f"{each.get('beside', '')} |"
        for each in rows
    )
    return (
        f"### {title}\n\n| figure | measured | target | beside it |\n|---|---|---|---|\n{lines}\n"
        + (f"\n{made}" if made else "")
    )


def _made(result: Mapping[str, Any]) -> str:
    return (
        f"`{result['command']}`, commit {result['commit']}, {result['date']}, "
        f"{result['machine']}, torch {result['versions']['torch']}, seed {result['seed']}, "
        f"{result['wall_s']} s in all.\n"
    )


if __name__ == "__main__":
    typer.run(main)
