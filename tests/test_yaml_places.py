"""Lines of a YAML file, for people who wrote it."""

import pytest
import yaml

from apps.yaml_places import keys_twice, line_of

TEXT = "a:\n  - b: 1\n    b: 2\n  - c: {d: 3}\ne: 4\n"


@pytest.mark.parametrize(
    ("place", "line"),
    [((), 1), (("a",), 1), (("a", 0), 2), (("a", 1, "c", "d"), 4), (("e",), 5),
     (("a", 1, "missing"), 4), (("a", 9), 1)],
)  # fmt: skip
def test_a_place_has_a_line_and_a_missing_one_that_of_what_is_around_it(place, line):
    assert line_of(yaml.compose(TEXT), place) == line


def test_a_key_that_stands_twice_is_told_once_with_its_line():
    assert list(keys_twice(yaml.compose(TEXT))) == [(3, "b")]
    assert list(keys_twice(yaml.compose("x: &x {k: 1, k: 2}\ny: *x\n"))) == [(1, "k")]


def test_a_file_that_holds_itself_ends():
    assert list(keys_twice(yaml.compose("&a [*a, {k: 1, k: 2}]"))) == [(1, "k")]
