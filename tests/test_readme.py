import fnmatch
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import app

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^deskhand [^#\n]+", TEXT, re.MULTILINE)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORDS = sorted(set(re.findall(r"`([^`\s]+)`", CONTRIBUTING)))
FOLDERS = ("apps", "benchmarks", "data", "docs", "examples", "finetune", "retrieval", "tests")
MADE = ("/", "runs/", "var/", "weights/")  # by whoever runs it, or another's


def test_the_readme_shows_commands():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_exists_with_its_options(line):
    _, verb, *words = shlex.split(line)
    done = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert done.exit_code == 0
    for word in words:
        if word.startswith("--"):
            assert word in done.output, f"{word} is not an option of {verb}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "AGENTS.md"])
def test_files_that_the_pages_link_to_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), f"{page} links to {target}"


def test_files_and_folders_that_contributing_names_exist():
    paths = [
        word.rstrip("/")
        for word in WORDS
        if re.search(r"/|\.(?:py|md|yaml)$", word)
        and "NAME" not in word
        and not word.startswith(MADE)
    ]
    assert len(paths) > 100
    there = [
        each.relative_to(ROOT.parent).as_posix()
        for each in (*ROOT.glob("*"), *(e for name in FOLDERS for e in (ROOT / name).rglob("*")))
    ]
    for path in paths:
        assert fnmatch.filter(there, f"*/{path}"), f"CONTRIBUTING.md names {path}"


def test_constants_that_contributing_names_are_in_the_code():
    code = "\n".join(
        each.read_text(encoding="utf-8") for name in FOLDERS for each in (ROOT / name).rglob("*.py")
    )
    names = [word for word in WORDS if re.fullmatch(r"_?[A-Z][A-Z_]{3,}", word) and word != "NAME"]
    assert len(names) > 15
    for name in names:
        assert re.search(rf"^ *{name}\b.*=", code, re.MULTILINE), f"CONTRIBUTING.md names {name}"


def test_every_target_that_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make (\w+)", TEXT, re.MULTILINE)):
        assert f"\n{target}:" in makefile
