"""Run benchmark cases and write the tables of BENCHMARKS.md.

    python -m benchmarks.run CASE… [--datasets DIR]     run, write benchmarks/results/<case>.json
    python -m benchmarks.run --render                   write the tables from the results again

Cases stand in CASES. A result holds its figures with command, commit, machine, versions and seed.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import banking77, demo, samples, tweetsumm

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "BENCHMARKS.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SEED = 0

Case = Callable[[Path], list[dict[str, Any]]]
CASES: dict[str, tuple[str, Case]] = {
    "samples": ("The sample company, separately written test sets", samples.run),
    "faq": ("FAQ of the sample company, separately written questions", samples.faq),
    "banking77": ("BANKING77, full training set, official test set", banking77.run),
    "tweetsumm": ("TweetSumm reply ranking, 1 of 10, no labels", tweetsumm.run),
    "demo": ("deskhand demo, from nothing and again, and a turn through the bot", demo.run),
}


def main(
    cases: Annotated[list[str] | None, typer.Argument(help=", ".join(CASES))] = None,
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    render: Annotated[bool, typer.Option("--render", help="only write the tables")] = False,
) -> None:
    """Run cases (all of them when none is named) and write the tables."""
    RESULTS.mkdir(exist_ok=True)
    wanted = [] if render else (cases or list(CASES))
    for name in wanted:
        if name not in CASES:
            raise typer.BadParameter(f"no case {name!r}; one of {', '.join(CASES)}")
    for name in wanted:
        start = time.perf_counter()
        rows = CASES[name][1](datasets)
        result = {"case": name, "rows": rows, "wall_s": round(time.perf_counter() - start, 1)}
        path = RESULTS / f"{name}.json"
        path.write_text(
            json.dumps(result | _circumstances(name), indent=2) + "\n", encoding="utf-8"
        )
        typer.echo(f"{name}: {path}")
    _render()


def _circumstances(case: str) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "command": f"python -m benchmarks.run {case}",
        "commit": commit.stdout.strip() or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {_cpu()}, {os.cpu_count()} cores, no GPU used",
        "versions": {name: version(name) for name in ("torch", "transformers", "onnxruntime")},
        "seed": SEED,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    lines = [line for line in info.read_text(encoding="utf-8").splitlines() if "model name" in line]
    return lines[0].split(":")[1].strip() if lines else platform.processor()


def _render() -> None:
    """Write the results' tables between the two marks of BENCHMARKS.md."""
    parts = []
    for name, (title, _) in CASES.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(_table(title, json.loads(path.read_text(encoding="utf-8"))))
        else:
            parts.append(f"### {title}\n\nnot measured\n")
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{tail}", encoding="utf-8")


def _table(title: str, result: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {row['what']} | {row['value']} | {row.get('target', '')} | {row.get('beside', '')} |"
        for row in result["rows"]
    )
    return (
        f"### {title}\n\n| figure | measured | target | beside it |\n|---|---|---|---|\n{rows}\n\n"
        f"`{result['command']}`, commit {result['commit']}, {result['date']}, "
        f"{result['machine']}, torch {result['versions']['torch']}, seed {result['seed']}, "
        f"{result['wall_s']} s in all.\n"
    )


if __name__ == "__main__":
    typer.run(main)
