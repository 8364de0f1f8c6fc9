"""The verb `test`: written conversations with expectations, run through an app."""

from pathlib import Path
from typing import Annotated

import typer

from apps.pages import check_page, write_page
from apps.verbs.options import AsJson, Overrides, say


def run_tests(
    tests: Annotated[
        Path, typer.Argument(metavar="TESTS", help="a YAML file of conversations, or a folder")
    ],
    overrides: Overrides = None,
    report: Annotated[Path | None, typer.Option("--report", help="an HTML file for people")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="workflows really call other systems")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Written conversations with expectations, run through an app."""
    from apps.testing.coverage import coverage_of
    from apps.testing.page import page_html
    from apps.testing.reading import read_suites
    from apps.testing.results import result_lines, result_values
    from apps.testing.running import run_suites

    check_page(report)
    subjects = run_suites(read_suites(tests), overrides or (), live)
    coverages = {subject.name: coverage_of(subject) for subject in subjects}
    values = result_values(subjects, coverages)
    if report is not None:
        write_page(report, page_html(str(tests), subjects, coverages))
    say(values, as_json, "\n".join(result_lines(subjects, coverages)))
    if values["failed"]:
        raise SystemExit(1)
