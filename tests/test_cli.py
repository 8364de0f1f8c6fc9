"""The command line as people use it: what goes wrong is one line on stderr and exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "data" / "samples"


def deskhand(folder, *arguments, stdin=""):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "apps.cli", *map(str, arguments)],
        cwd=folder, env=env, input=stdin, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def refused(folder, *arguments):
    """The one line that a refused command prints."""
    done = deskhand(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("INFO ")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a frozen intent run, an index of the FAQ, and data to spoil."""
    folder = tmp_path_factory.mktemp("trained")
    rows = []
    for label, words in {"a": "parcel late where", "b": "invoice vat paper", "oos": "moon"}.items():
        rows += [{"text": f"{words} number {n}", "label": label} for n in range(12)]
    write(folder / "turns.jsonl", rows)
    for arguments in (
        ["train", "intent", "--data", "turns.jsonl", "--out", "runs/intent"]
        + ["--config", ROOT / "finetune" / "configs" / "intent_head.yaml"],
        ["index", SAMPLES / "faq.md", "--out", "indexes/faq"],
    ):
        done = deskhand(folder, *arguments)
        assert done.returncode == 0, done.stderr
    return folder


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


CONVERSATION = {
    "id": "c1",
    "turns": [{"speaker": "customer", "text": "hi, dan@example.com here"},
              {"speaker": "agent", "text": "hello Dan"}],
}  # fmt: skip


def test_help_answers_without_heavy_imports():
    code = (
        "import sys, apps.cli; heavy = {'torch', 'gradio', 'transformers', 'numpy', 'onnxruntime'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "command",
    ["demo", "prepare", "train", "evaluate", "predict", "index", "search", "ask", "test", "serve"],
)
def test_every_command_of_the_contract_has_a_help(command, tmp_path):
    done = deskhand(tmp_path, command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_a_missing_file_is_named(tmp_path):
    assert "nowhere.csv" in refused(tmp_path, "prepare", "nowhere.csv", "--out", "x")
    assert "nowhere" in refused(tmp_path, "train", "ner", "--data", "nowhere", "--out", "x")
    assert "nowhere" in refused(tmp_path, "index", "nowhere", "--out", "x")
    assert not (tmp_path / "x").exists()


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "empty.csv").touch()
    assert "empty" in refused(tmp_path, "prepare", "empty.csv", "--out", "x")
    assert "empty" in refused(tmp_path, "train", "intent", "--data", "empty.csv", "--out", "x")


def test_a_table_without_the_needed_column_names_those_it_has(tmp_path):
    (tmp_path / "log.csv").write_text("ticket,who,words\n1,agent,hello\n", encoding="utf-8")
    line = refused(tmp_path, "prepare", "log.csv", "--out", "x")
    assert "words" in line
    assert "--map text=COLUMN" in line
    line = refused(tmp_path, "train", "intent", "--data", "log.csv", "--out", "x")
    assert "'text'" in line
    assert "words" in line


def test_broken_json_in_line_17_is_told_and_the_rest_is_kept(tmp_path):
    rows = [json.dumps(CONVERSATION | {"id": f"c{n}"}) for n in range(20)]
    rows[16] = '{"id": "c16", secret'
    (tmp_path / "log.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = deskhand(tmp_path, "prepare", "log.jsonl", "--out", "out")
    assert done.returncode == 2
    assert "log.jsonl:17" in done.stderr
    assert "secret" not in done.stderr
    parts = [tmp_path / "out" / f"{name}.jsonl" for name in ("train", "validation", "test")]
    kept = [line for part in parts for line in part.read_text(encoding="utf-8").splitlines()]
    assert len(kept) == 19
    assert "dan@example.com" not in "".join(kept)
    assert deskhand(tmp_path, "prepare", "log.jsonl", "--out", "o2", "--max-bad", 1).returncode == 0


def test_a_label_never_seen_in_training_is_named_with_its_line(trained):
    write(trained / "strange.jsonl", [{"text": "x", "label": "a"}, {"text": "y", "label": "zebra"}])
    line = refused(trained, "evaluate", "runs/intent", "--data", "strange.jsonl")
    assert "strange.jsonl:2" in line
    assert "zebra" in line


def test_a_run_of_another_task_is_refused(trained, tmp_path):
    config = tmp_path / "app.yaml"
    config.write_text(
        f"app: customer_service\nruns: {{ner: {trained}/runs/intent}}\nindex: indexes/faq\n"
        f"workflows: {ROOT}/apps/customer_service/workflows.yaml\n",
        encoding="utf-8",
    )
    assert "task intent" in refused(trained, "ask", config, "hello")


def test_an_index_of_another_encoder_is_refused(trained):
    manifest = trained / "indexes" / "faq" / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    fingerprint = json.loads(text)["fingerprint"]
    manifest.write_text(text.replace(fingerprint, "0" * 64), encoding="utf-8")
    line = refused(trained, "search", "indexes/faq", "hello")
    manifest.write_text(text, encoding="utf-8")
    assert "built with encoder" in line


def test_a_run_or_index_that_is_not_there_says_how_to_make_one(tmp_path):
    assert "deskhand train" in refused(tmp_path, "predict", "runs/none", "hello")
    assert "deskhand index" in refused(tmp_path, "search", "indexes/none", "hello")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "fly", "--data", "x", "--out", "y"], "no task 'fly'"),
        (["ask", "fly", "hello"], "no such app"),
        (["train", "intent", "--data", "x"], "--out"),
        (["serve", "faq", "--set", "prot=1"], "prot: Extra inputs"),
        (["prepare", "x", "--out", "y", "--map", "text"], "field=column"),
        (["fly"], "fly"),
    ],
)
def test_a_wrong_command_is_one_line(arguments, words, tmp_path):
    done = deskhand(tmp_path, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_several_config_errors_are_one_line_each(tmp_path):
    done = deskhand(
        tmp_path, "train", "intent", "--data", "x", "--out", "y",
        "--set", "optim.lr=-1", "--set", "epohcs=2",
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3
    assert "optim.lr" in done.stderr
    assert "epohcs" in done.stderr


def test_predict_prints_one_object_a_line_with_the_contracts_keys(trained):
    done = deskhand(trained, "predict", "runs/intent", "--json", stdin="parcel late\ninvoice vat\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["intent"] for row in rows] == ["a", "b"]
    assert set(rows[0]) == {"text", "intent", "confidence", "in_scope", "top", "scope"}


def test_evaluate_prints_the_contracts_keys(trained):
    done = deskhand(trained, "evaluate", "runs/intent", "--data", "turns.jsonl", "--json")
    assert set(json.loads(done.stdout)) >= {
        "n", "accuracy", "accuracy_no_refusal", "macro_f1", "mcc", "in_scope_accuracy",
        "oos_recall", "oos_precision", "ece",
    }  # fmt: skip


def test_search_prints_the_contracts_keys(trained):
    done = deskhand(
        trained, "search", "indexes/faq", "do you deliver to Belfast", "-k", 2, "--json"
    )
    result = json.loads(done.stdout)
    assert set(result) == {"question", "answerable", "passages"}
    assert len(result["passages"]) == 2
    assert set(result["passages"][0]) == {
        "id", "text", "title", "source", "score", "highlight",
    }  # fmt: skip
    start, end = result["passages"][0]["highlight"]
    assert result["passages"][0]["text"][start:end].strip()


@pytest.mark.parametrize("text", ["", "😀", "x" * 100_000, "<b>hi</b>\x07"])
def test_strange_texts_are_predicted_too(trained, text):
    path = write(trained / "strange_texts.jsonl", [{"text": text}])
    done = deskhand(trained, "predict", "runs/intent", "--input", path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == text


def test_a_dry_run_says_what_would_be_done_and_does_nothing(trained):
    done = deskhand(
        trained,
        "train",
        "intent",
        "--data",
        "turns.jsonl",
        "--out",
        "runs/dry",
        "--dry-run",
        "--json",
    )
    plan = json.loads(done.stdout)
    assert plan["rows"] == plan["rows_by_split"]["train"] > 0
    assert plan["summary"].startswith(f"{plan['rows']} rows, ")
    assert not (trained / "runs" / "dry").exists()
