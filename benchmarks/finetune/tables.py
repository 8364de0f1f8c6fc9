"""Rows for BENCHMARKS.md from the cells' files: means over seeds, peers beside, paired tests."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.finetune.cells import FOLDS, Cell, path_of, planned
from benchmarks.finetune.curve import curve_rows
from benchmarks.finetune.paired import accuracy_gain, f1_gain, mcnemar
from benchmarks.shell import row

Result = dict[str, Any]
Row = dict[str, str]
MISSING = "not measured"
SYSTEMS = {
    "ours": "Deskhand",
    "ours_full": "Deskhand, every layer tuned",
    "ours_lora": "Deskhand, LoRA",
    "ours_head": "Deskhand, head alone",
    "ours_refusing": "Deskhand, made to refuse",
    "ours_passes": "Deskhand, three passes alone",
    "svm": "TF-IDF + linear SVM",
    "logreg": "frozen encoder + logistic regression",
    "trainer": "plain Trainer script",
    "trainer_raised": "plain Trainer script at 2e-4",
    "setfit": "SetFit",
}


class Finished:
    """The results that are there, read once.

    Args:
        results: Their folder; the shipped one if None.
    """

    def __init__(self, results: Path | None = None) -> None:
        self._found: dict[str, list[Result]] = {}
        for cell in planned():
            path = path_of(cell, results)
            if path.exists():
                result = json.loads(path.read_text(encoding="utf-8"))
                self._found.setdefault(cell.key, []).append(result)

    def of(self, dataset: str, setting: str, system: str) -> list[Result]:
        """By seed."""
        return self._found.get(Cell(dataset, setting, system).key, [])

    def within(self, prefix: str) -> list[Result]:
        """Of every key that begins so."""
        return [r for key, found in self._found.items() if key.startswith(prefix) for r in found]


def sections(results: Path | None = None) -> list[tuple[str, list[Row], list[Result]]]:
    """Title, rows and the results that they were made from, a table each."""
    done = Finished(results)
    return [
        (title, make(done), [r for prefix in prefixes for r in done.within(prefix)])
        for title, make, prefixes in SECTIONS
    ]


def _banking(done: Finished) -> list[Row]:
    systems = ("ours", "ours_full", "ours_head", "svm", "logreg", "trainer", "trainer_raised")
    return compared(done, "banking77", "full", systems, "accuracy_no_refusal", ">= 0.945")


def _few(done: Finished) -> list[Row]:
    rows = []
    for setting, aim in (("10-shot", ">= 0.885"), ("5-shot", ">= 0.835")):
        systems = ("ours", "svm", "logreg", "trainer", "trainer_raised", "setfit")
        rows += compared(
            done, "banking77", setting, systems, "accuracy_no_refusal", aim, f"{setting}: "
        )
        both = [done.of("banking77", setting, name)[:1] for name in ("ours", "setfit")]
        rows.append(_time_share(setting, [each for found in both for each in found]))
    return rows


def _time_share(setting: str, both: Sequence[Result]) -> Row:
    """By CPU seconds, because a cell may run beside other work; with reading and predicting."""
    what = f"{setting}: CPU seconds of the process, share of SetFit's"
    if len(both) < 2:
        return row(what, MISSING, "<= 0.3333")
    ours, setfit = both
    beside = ", ".join(
        f"{name} {ours[key]:.0f} s against {setfit[key]:.0f} s"
        for name, key in (("CPU", "cpu_s"), ("training by the clock", "train_s"))
    )
    return row(what, ours["cpu_s"] / setfit["cpu_s"], "<= 0.3333", f"{beside}, seed 0")


def _clinc(done: Finished) -> list[Row]:
    systems = ("ours", "svm", "logreg", "trainer_raised")
    rows = compared(
        done, "clinc150", "full", systems, "accuracy_no_refusal", ">= 0.962",
        "in scope, nothing refused: ",
    )  # fmt: skip
    for system in ("ours_refusing", "ours", "svm", "logreg", "trainer_raised"):
        for key, what, aim in (
            ("oos_recall", "out-of-scope rows refused", ">= 0.75"),
            ("in_scope_accuracy", "in scope, refusals wrong", ">= 0.955"),
            ("ece", "expected calibration error", "<= 0.03"),
        ):
            found = done.of("clinc150", "full", system)
            if found and key not in found[0]["test"]["metrics"]:
                continue  # margins are no confidences
            rows.append(
                row(f"{what}: {SYSTEMS[system]}", spread(found, key),
                    aim if system == "ours_refusing" else "", beside_validation(found, key))
            )  # fmt: skip
    return rows


def _conll(done: Finished) -> list[Row]:
    rows = []
    for key, what, aim in (
        ("token_weighted_f1", "token F1, weighted", ">= 0.976"),
        ("token_macro_f1", "token F1, macro", ">= 0.909"),
        ("entity_f1", "entity F1", ">= 0.895"),
    ):
        rows += compared(
            done, "conll2003", "full", ("ours", "trainer_raised"), key, aim, f"{what}: ",
            tested=key == "entity_f1",
        )  # fmt: skip
    return rows


def _lora(done: Finished) -> list[Row]:
    lora, full = (done.of("banking77", "full", name) for name in ("ours_lora", "ours_full"))
    rows = compared(done, "banking77", "full", ("ours_lora", "ours_full"), "accuracy_no_refusal")
    gap = metric_mean(lora, "accuracy_no_refusal"), metric_mean(full, "accuracy_no_refusal")
    known = lora[0]["stored"] if lora else {}
    return [
        *rows,
        row("accuracy of every layer less LoRA's", gap[1] - gap[0] if lora and full else MISSING,
            "<= 0.005"),
        row("parameters trained, share of the encoder's",
            known["parameters"] / known["base_parameters"] if known else MISSING, "<= 0.03",
            f"{known['parameters']:,}" if known else ""),
        row("stored, MB", round(known["bytes"] / 1e6, 2) if known else MISSING, "<= 3",
            f"adapter and head; beside them {known['words_bytes'] / 1e6:.1f} MB of words and a "
            f"graph that serves of {known['graph_bytes'] / 1e6:.0f} MB" if known else ""),
    ]  # fmt: skip


def _throughput(done: Finished) -> list[Row]:
    found = done.of("banking77", "throughput", "ours_and_trainer")
    return [
        row("seconds of the plain Trainer's loop to Deskhand's", spread(found, "loop_ratio"),
            ">= 1.3", "the same 1,920 rows, batch 32, one epoch, in turns, middle of 3"),
        row("the same of all training, with reading, head, words and export",
            spread(found, "train_ratio")),
    ]  # fmt: skip


def _extend(done: Finished) -> list[Row]:
    found = done.of("banking77", "extend", "ours")
    drops = [r["test"]["metrics"]["old_before"] - r["test"]["metrics"]["old_after"] for r in found]
    times = [r["extend_s"] for r in found]
    return [
        row("recall of the 5 new intents, refusals wrong", spread(found, "new_recall"), ">= 0.80",
            joined("nothing refused " + spread(found, "new_recall_no_refusal") if found else "",
                   beside_validation(found, "new_recall"))),
        row("accuracy lost on the 72 old ones", shown(drops), "<= 0.005",
            f"before {spread(found, 'old_before')}" if found else ""),
        row("deskhand extend, s", shown(times, 1), "<= 10",
            "all five at once, 10 rows each, a process of its own"),
    ]  # fmt: skip


def _few_entities(done: Finished) -> list[Row]:
    rows = []
    for setting in ("50-row", "150-row"):
        systems = ("ours", "ours_passes", "trainer_raised")
        rows += compared(done, "entities", setting, systems, "entity_f1",
                         before=f"{setting.removesuffix('-row')} rows, entity F1: ")  # fmt: skip
    return rows


def _others(done: Finished) -> list[Row]:
    rows = []
    for domain in ("finance", "software"):
        rows += compared(
            done, f"multidogo_{domain}", "full", ("ours", "svm", "logreg", "trainer_raised"),
            "accuracy_no_refusal", before=f"MultiDoGO {domain}, intent accuracy: ",
        )  # fmt: skip
        rows += compared(
            done, f"multidogo_{domain}_slots", "full", ("ours", "trainer_raised"), "entity_f1",
            before=f"MultiDoGO {domain}, slot F1: ",
        )  # fmt: skip
    for system in ("ours", "svm", "logreg", "trainer", "trainer_raised"):
        found = [r for f in FOLDS for r in done.of("nlupp_banking", f"fold{f}", system)]
        rows.append(
            row(f"NLU++ banking, micro F1: {SYSTEMS[system]}", spread(found, "micro_f1"), "",
                f"mean over folds {', '.join(map(str, FOLDS))} of 20, trained on one fold, "
                f"seed 0" if len(found) == len(FOLDS) else f"{len(found)} of {len(FOLDS)} folds")
        )  # fmt: skip
    for dataset, what, key in (
        ("xquad_en", "XQuAD (en), split by article, F1", "f1"),
        ("relations", "relations of the sample company, macro F1", "macro_f1"),
    ):
        found = done.of(dataset, "full", "ours")
        rows.append(row(f"{what}: Deskhand", spread(found, key), "", beside_validation(found, key)))
    return rows


def compared(
    done: Finished,
    dataset: str,
    setting: str,
    systems: Sequence[str],
    key: str,
    aim: str = "",
    before: str = "",
    tested: bool = True,
) -> list[Row]:
    """A row a system; the first is tested against each other one on their lowest common seed."""
    first = done.of(dataset, setting, systems[0])
    rows = []
    for system in systems:
        found = done.of(dataset, setting, system)
        beside = joined(beside_validation(found, key), cost(found))
        if tested and system != systems[0] and first and found:
            beside = joined(beside, against(first, found, SYSTEMS[systems[0]]))
        rows.append(
            row(f"{before}{SYSTEMS[system]}", spread(found, key),
                aim if system == systems[0] else "", beside)
        )  # fmt: skip
    return rows


def against(first: Sequence[Result], second: Sequence[Result], name: str) -> str:
    """A paired comparison on the same test rows, of the lowest seed that both have."""
    seeds = sorted({r["seed"] for r in first} & {r["seed"] for r in second})
    if not seeds:
        return ""
    one, other = (
        next(r["test"] for r in each if r["seed"] == seeds[0]) for each in (first, second)
    )
    if "right" in one and "right" in other:
        a, b = ([mark == "1" for mark in each["right"]] for each in (one, other))
        gain = accuracy_gain(a, b)
    elif "counts" in one and "counts" in other:
        counts = [counts_of(each["counts"]) for each in (one, other)]
        gain = f1_gain(*counts)
        a, b = ([r == s == w for r, s, w in each.tolist()] for each in counts)
    else:
        return ""
    return (
        f"{name} {gain[0]:+.4f} (95% {gain[1]:+.4f} to {gain[2]:+.4f}, McNemar p = "
        f"{mcnemar(a, b):.2g}, seed {seeds[0]})"
    )


def counts_of(written: str) -> Any:  # noqa: ANN401 - ints (n, 3)
    """What `scoring` wrote as `counts`."""
    return np.array([[int(n) for n in each.split("/")] for each in written.split()])


def spread(found: Sequence[Result], key: str, split: str = "test") -> str:
    """Mean and standard deviation over seeds, or that nothing was measured."""
    return shown([float(r[split]["metrics"][key]) for r in found if key in r[split]["metrics"]])


def shown(values: Sequence[float], places: int = 4) -> str:
    """Mean ± sample standard deviation, and of how many where there are several."""
    if not values:
        return MISSING
    text = f"{mean(values):.{places}f}"
    return f"{text} ± {stdev(values):.{places}f} ({len(values)})" if len(values) > 1 else text


def metric_mean(found: Sequence[Result], key: str) -> float:
    """Mean over seeds on test; 0 where nothing was measured."""
    return mean([float(r["test"]["metrics"][key]) for r in found]) if found else 0.0


def beside_validation(found: Sequence[Result], key: str) -> str:
    """The same figure on validation."""
    seen = [r for r in found if key in r.get("validation", {}).get("metrics", {})]
    return f"validation {spread(seen, key, 'validation')}" if seen else ""


def cost(found: Sequence[Result]) -> str:
    """Seconds of training, and what the whole process took."""
    if not found or "cpu_s" not in found[0]:
        return ""
    train, cpu = (mean([float(r[key]) for r in found]) for key in ("train_s", "cpu_s"))
    memory = max(r["peak_rss_mib"] for r in found)
    return f"training {train:.0f} s; process {cpu:.0f} CPU s, {memory:,} MiB"


def joined(*parts: str) -> str:
    """What there is, between semicolons."""
    return "; ".join(part for part in parts if part)


SECTIONS: tuple[tuple[str, Callable[[Finished], list[Row]], tuple[str, ...]], ...] = (
    ("BANKING77, full training set: accuracy, nothing refused", _banking, ("banking77.full.",)),
    ("BANKING77, few rows an intent: accuracy, nothing refused", _few,
     ("banking77.10-shot.", "banking77.5-shot.")),
    ("BANKING77, accuracy against CPU seconds of the process", lambda done: curve_rows(done.of),
     ("banking77.curve",)),
    ("BANKING77, LoRA", _lora, ("banking77.full.ours_lora", "banking77.full.ours_full")),
    ("Throughput beside the plain Trainer script", _throughput, ("banking77.throughput.",)),
    ("Adding five intents to a trained run", _extend, ("banking77.extend.",)),
    ("CLINC150, out-of-scope rows in all splits", _clinc, ("clinc150.",)),
    ("CoNLL-2003", _conll, ("conll2003.",)),
    ("Entities of the sample company, few rows", _few_entities, ("entities.",)),
    ("Reported without an aim", _others, ("multidogo", "nlupp", "xquad", "relations")),
)  # fmt: skip


def footnote(results: Sequence[Mapping[str, Any]]) -> str:
    """How the results of a table were made; empty where there are none."""
    if not results:
        return ""

    def all_of(key: str) -> str:
        return ", ".join(sorted({str(r[key]) for r in results}))

    versions = {f"{n} {r['versions'][n]}" for r in results for n in r["versions"] if n in SAID_OF}
    return (
        f"`python -m benchmarks.run finetune`, {len(results)} cells, commit {all_of('commit')}, "
        f"{all_of('date')}, {all_of('machine')}, {', '.join(sorted(versions))}, "
        f"seeds {all_of('seed')}.\n"
    )


SAID_OF = ("torch", "transformers", "setfit")
