"""The case `finetune` of the benchmarks: what is there, what is missing, and measuring it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer

from benchmarks.finetune.cells import chosen, path_of, planned, run_cells
from benchmarks.finetune.systems import measures


def listing(only: Sequence[str] = ()) -> str:
    """A line a cell: its name, whether it is there, and its rough cost."""
    cells = chosen(planned(), only)
    missing = [cell for cell in cells if not path_of(cell).exists()]
    lines = [
        f"{'missing' if cell in missing else 'there':<8}{cell.minutes:>6.1f} min  {cell.name}"
        for cell in cells
    ]
    hours = sum(cell.minutes for cell in missing) / 60
    return "\n".join([*lines, f"{len(missing)} of {len(cells)} missing, about {hours:.1f} hours"])


def run(
    datasets: Path,
    only: Sequence[str] = (),
    force: bool = False,
    setfit_python: Path | None = None,
    threads: int = 2,
) -> bool:
    """Measure the cells that have no result yet; whether all of them have one now."""
    whole = True
    cells = [replace(cell, threads=threads) for cell in chosen(planned(), only)]
    for cell, what in run_cells(cells, measures(datasets, setfit_python), force=force):
        typer.echo(f"{cell.name}: {what}")
        whole = whole and not what.startswith("failed")
    return whole
