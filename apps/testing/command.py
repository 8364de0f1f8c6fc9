"""The verb `test` of the command line."""

import json
from pathlib import Path
from typing import Annotated

import typer

from apps.pages import check_page, write_page


def run_tests(
    tests: Annotated[
        Path, typer.Argument(metavar="TESTS", help="a YAML file of conversations, or a folder")
    ],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.of.config=value, last word")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="an HTML file for people")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="workflows really call other systems")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object and nothing else")
    ] = False,
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
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
    else:
        for line in result_lines(subjects, coverages):
            typer.echo(line)
    if values["failed"]:
        raise SystemExit(1)
