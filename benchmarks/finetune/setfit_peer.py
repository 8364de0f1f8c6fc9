"""SetFit, run by the interpreter of an environment of its own: it needs nothing of this repository.

    /path/to/env/bin/python -P benchmarks/finetune/setfit_peer.py FOLDER ENCODER ITERATIONS SEED

`-P` keeps this folder's `datasets.py` off the path. FOLDER is laid out by `datasets.write`. The
last line on stdout is one JSON object, as in `peers`.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

BATCH_SIZE = 16  # SetFit's own default


def main(folder: Path, encoder: str, iterations: int, seed: int) -> None:
    """Train SetFit with its defaults but for `num_iterations`, and answer validation and test."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments  # type: ignore[import-not-found]

    rows = {
        name: [
            json.loads(line)
            for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        for name in ("seen/train", "validation", "test")
    }
    train = rows["seen/train"]
    labels = sorted({row["label"] for row in train})
    start = time.perf_counter()
    model = SetFitModel.from_pretrained(encoder, device="cpu")
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            num_iterations=iterations,
            num_epochs=1,
            batch_size=BATCH_SIZE,
            seed=seed,
            output_dir=str(folder / "setfit"),
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=Dataset.from_dict(
            {
                "text": [row["text"] for row in train],
                "label": [labels.index(row["label"]) for row in train],
            }
        ),
    )
    trainer.train()
    result: dict[str, Any] = {
        "train_s": round(time.perf_counter() - start, 2),
        "versions": {
            name: version(name)
            for name in ("setfit", "sentence-transformers", "torch", "transformers")
        },  # fmt: skip
    }
    for name in ("validation", "test"):
        probabilities = model.predict_proba([row["text"] for row in rows[name]], as_numpy=True)
        best = probabilities.argmax(axis=1)
        said = [labels[place] for place in best]
        sure = [round(float(row[place]), 5) for row, place in zip(probabilities, best)]  # noqa: B905 - of one length
        result[name] = {"best": said, "said": said, "confidence": sure}
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
