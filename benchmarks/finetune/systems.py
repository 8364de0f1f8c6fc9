"""What measures a cell: Deskhand or a peer, in a folder that is gone afterwards."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.finetune.cells import Cell, Measure
from benchmarks.finetune.datasets import write
from benchmarks.finetune.peer_runs import peer

BY_COMMAND = "python -m benchmarks.run finetune --only"


def measures(datasets: Path, setfit_python: Path | None) -> dict[str, Measure]:
    """What `cells.run_cells` calls, by system."""
    from benchmarks.finetune.extend import extend
    from benchmarks.finetune.ours import ours
    from benchmarks.finetune.throughput import throughput

    source = datasets.resolve()

    def measure(cell: Cell) -> dict[str, Any]:
        about = circumstances(f"{BY_COMMAND} {cell.name}")
        with tempfile.TemporaryDirectory(prefix="deskhand-cell-") as name:
            folder = Path(name)
            if cell.setting == "extend":
                result = extend(cell, source, folder)
            else:
                write(cell, source, folder)
                if cell.setting == "throughput":
                    result = throughput(cell, folder)
                elif cell.system.startswith("ours"):
                    result = ours(cell, folder)
                else:
                    result = peer(cell, folder, setfit_python)
        about["versions"] |= result.pop("versions", {})
        named = {
            "cell": cell.name, "dataset": cell.dataset, "setting": cell.setting,
            "system": cell.system, "seed": cell.seed,
            "threads": cell.threads,
        }  # fmt: skip
        return named | about | result

    return dict.fromkeys(("ours", "svm", "logreg", "trainer", "setfit"), measure)
