"""Where things stand in a YAML file: lines for what is told to whoever wrote it."""

from collections.abc import Iterator, Sequence

import yaml


def line_of(node: yaml.Node, place: Sequence[int | str]) -> int:
    """The line of a value by its keys; of the innermost part that is there, where it is missing."""
    line = node.start_mark.line + 1
    for key in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == str(key)]
            if found:  # a union's branch in pydantic's place is no key of the file
                line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def keys_twice(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """(line, key) of keys that stand twice in one mapping: YAML would silently keep the last."""
    yield from _twice(node, set())


def _twice(node: yaml.Node, above: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in above:  # an alias
        return
    above.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _twice(inner, above)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key.value, str):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _twice(value, above)
