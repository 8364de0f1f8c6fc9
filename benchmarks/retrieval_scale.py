"""An index from 1,000 to 1,000,000 rows: time, memory, disk and recall, beside plain libraries.

    python -m benchmarks.run retrieval_scale [--sizes 1000,100000] [--peers-python PYTHON]

`benchmarks/retrieval_rows.py` says what the rows are. Each size is built in one process and asked
in another. Peers run in processes of their own too, LangChain's, Haystack's and rank_bm25 in an
interpreter that has them; where none has, the figure says so.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.retrieval_peers import PEERS
from benchmarks.shell import ROOT, Ran, measured, row

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SLOW = 100_000  # rows, past which peers in pure Python are not asked
PYTHON = Path(sys.executable)


def run(
    datasets: Path, sizes: Sequence[int] = SIZES, peers_python: Path | None = None
) -> list[dict[str, Any]]:
    """Build and ask an index of each size, then the peers."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _child(PYTHON, "benchmarks.retrieval_rows", str(datasets.resolve()), 0, folder)
        for size in sizes:
            rows += _ours(size, folder)
            rows += [_peer(peer, size, folder, peers_python) for peer in PEERS]
            for path in folder.glob(f"*-{size}*"):
                if path.is_file():
                    path.unlink()
    return rows


def _ours(size: int, folder: Path) -> list[dict[str, Any]]:
    built, asked = (
        _child(PYTHON, "benchmarks.retrieval_probe", verb, size, folder)
        for verb in ("build", "ask")
    )
    made, said = built.result, asked.result
    n = f"{size:,} rows: "
    large = size >= SIZES[-1]
    times = {
        part: f"{said[f'{part}_p50_ms']} · {said[f'{part}_p95_ms']}"
        for part in ("vectors", "words", "whole", "filtered")
    }
    cpu = {part: said[f"{part}_p95_cpu_ms"] for part in times}
    how = made["about"] or "exact"
    return [
        row(f"{n}build, s (texts and vectors given)", made["build_s"], "",
            f"{made['peak_mib']} MiB at most, with all texts and vectors in memory"),
        row(f"{n}disk, MB", made["disk_mb"], "2000" if large else "",
            f"vectors {made['vectors_mb']}, words {made['words_mb']}, passages "
            f"{made['passages_mb']}"),
        row(f"{n}open, ms", round(said["open_s"] * 1000, 1)),
        row(f"{n}resident, MB: vectors · all", f"{said['vectors_rss_mb']} · {said['rss_mb']}",
            "900 · " if large else "", "mapped pages that were read count"),
        row(f"{n}vectors, p50 · p95, ms", times["vectors"], "p95 15" if large else "",
            f"{how}; p95 of CPU time {cpu['vectors']}"),
        row(f"{n}words, p50 · p95, ms", times["words"], "", f"p95 of CPU time {cpu['words']}"),
        row(f"{n}whole question but its encoding, p50 · p95, ms", times["whole"], "",
            f"{said['per_s']} a second; p95 of CPU time {cpu['whole']}"),
        row(f"{n}with a filter that admits a tenth, p50 · p95, ms", times["filtered"], "",
            f"p95 of CPU time {cpu['filtered']}"),
        row(f"{n}of the 10 nearest by exact cosine, found", said["recall_at_10"],
            "0.95" if large else ""),
        row(f"{n}adding 1,000 passages, s (vectors given)", said["add_s"], "5" if large else ""),
    ]  # fmt: skip


def _peer(peer: str, size: int, folder: Path, python: Path | None) -> dict[str, Any]:
    what = f"{size:,} rows: {PEERS[peer].name}, p50 · p95, ms"
    if PEERS[peer].is_slow and size > SLOW:
        return row(what, "not measured", "", f"past {SLOW:,} rows a question takes seconds")
    if not PEERS[peer].is_ours and python is None:
        return row(what, "not measured", "", "needs --peers-python, an interpreter with it")
    texts = folder / f"texts-{size}.json"
    if not texts.exists():
        _child(PYTHON, "benchmarks.retrieval_rows", "texts", size, folder)
    chosen = PYTHON if python is None or PEERS[peer].is_ours else python.absolute()
    try:
        ran = _child(chosen, str(ROOT / "benchmarks" / "retrieval_peers.py"), peer, size, folder)
    except RuntimeError as error:
        return row(what, "not measured", "", str(error).strip().splitlines()[-1][:120])
    said = ran.result
    return row(
        what, f"{said['p50_ms']} · {said['p95_ms']}", "",
        f"build {said['build_s']} s, process {said['peak_mib']} MiB at most, "
        f"{said['questions']} questions, {said['version']}",
    )  # fmt: skip


def _child(python: Path, script: str, verb: str, size: int, folder: Path) -> Ran:
    """A script or module in a process of its own; a peer's has none of our packages in the way."""
    if script.endswith(".py"):
        return measured(folder, python, "-P", script, verb, str(size), folder)
    return measured(folder, python, "-m", script, verb, str(size), folder)
