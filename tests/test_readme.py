import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import app

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^deskhand [^#\n]+", TEXT, re.MULTILINE)


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


def test_every_target_that_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make (\w+)", TEXT, re.MULTILINE)):
        assert f"\n{target}:" in makefile
