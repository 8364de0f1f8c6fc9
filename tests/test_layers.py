import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "data": set(),
    "finetune": {"data"},
    "retrieval": {"data"},
    "apps": {"data", "finetune", "retrieval"},
    "benchmarks": {"data", "finetune", "retrieval", "apps"},
    "examples": {"data", "finetune", "retrieval", "apps"},
}
ONE_DOOR = {
    "gradio": "apps/web/",
    "faiss": ("retrieval/", "benchmarks/retrieval_peers.py"),
    "bm25s": "retrieval/",
    "pypdf": "retrieval/documents/pdf.py",
    "docx": "retrieval/documents/word.py",
    "jieba": "retrieval/lexical.py",
    "filelock": ("retrieval/manifest.py", "data/outputs.py"),
    "pymilvus": "retrieval/milvus.py",
    "langchain_core": (
        "apps/langchain.py",
        "apps/generation/chat_model.py",
        "examples/langchain_chain.py",
    ),
    "langchain_openai": "apps/generation/endpoint.py",
    "openai": "apps/generation/endpoint.py",
    "peft": "finetune/",
    "trl": "finetune/",
    "sentence_transformers": "finetune/",
    "sqlalchemy": ("apps/store", "finetune/search/study.py"),
    "optuna": "finetune/search/",
    "phonenumbers": "data/redact/",
    "stdnum": "data/redact/",
    "faker": "data/redact/",
    "ijson": "data/json_items.py",
    "ray": "data/engines.py",
    "onnxruntime": "data/onnx_",
    "captum": "finetune/explain.py",
    "matplotlib": "finetune/evaluation/plots.py",
}
# What a library is imported as, where that is not its name.
MODULES = {"faiss-cpu": "faiss", "python-docx": "docx", "python-stdnum": "stdnum"}


def imported(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_the_layers_below_it(package):
    assert sources(package)
    for path in sources(package):
        extra = imported(path) & set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
        assert not extra, f"{path.relative_to(ROOT)} must not import {sorted(extra)}"


@pytest.mark.parametrize("library", ONE_DOOR)
def test_an_outside_library_has_one_door(library):
    for package in MAY_IMPORT:
        for path in sources(package):
            place = path.relative_to(ROOT).as_posix()
            if library in imported(path):
                assert place.startswith(ONE_DOOR[library]), f"{place} must not import {library}"


def test_the_table_of_libraries_names_every_dependency_and_every_door():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| job | library |")[2].partition("\n\n")[0]
    doors = {}
    for line in table.splitlines()[2:]:
        _, _, libraries, _, door, _ = line.split("|")
        for each in re.sub(r"\([^)]*\)", "", libraries).split(","):
            doors[each.split()[0]] = tuple(re.findall(r"`([^`*]+)\*?`", door))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.match(r"[\w-]+", each)[0] for each in project["dependencies"]} <= set(doors)
    held = {MODULES.get(name, name.replace("-", "_")): door for name, door in doors.items() if door}
    assert held.pop("milvus_lite") == held["pymilvus"]  # its stand-in in tests
    assert held == {
        name: (door,) if isinstance(door, str) else door for name, door in ONE_DOOR.items()
    }


def test_no_module_has_the_name_of_one_in_the_standard_library():
    for package in MAY_IMPORT:
        for path in sources(package):
            assert path.stem not in sys.stdlib_module_names, path
