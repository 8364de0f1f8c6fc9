"""Reading a file of workflows: every mistake is told with its file and line."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from apps.actions import Action, Catalog
from apps.customer_service.slots import READERS
from apps.customer_service.workflow_file import (
    BRACES,
    DECLINED,
    LACKING,
    OK,
    HttpConfig,
    WorkflowConfig,
    WorkflowsConfig,
)
from apps.yaml_places import keys_twice, line_of
from data.errors import ConfigError

ENVIRONMENT = re.compile(r"\$\{(\w+)\}")
_STRAY = re.compile(r"\{[^{}]{0,30}\}?|\}")
Place = tuple[int | str, ...]
Mistake = tuple[Place, str]


def read_workflows(path: Path, catalog: Catalog) -> WorkflowsConfig:
    """Read and check a file of workflows.

    Args:
        path: The YAML file.
        catalog: What it may name.

    Raises:
        ConfigError: One line for each mistake, with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: no such file of workflows") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML; mend that line") from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(raw, dict):
        raise ConfigError(f"{path}:1: a mapping with `workflows` is needed")
    twice = [(line, f"{key!r} is there twice; keep one") for line, key in keys_twice(node)]
    found: list[Mistake]
    config: WorkflowsConfig | None = None
    try:
        config = WorkflowsConfig.model_validate(raw)
        found = list(mistakes(config, catalog))
    except ValidationError as error:
        found = [(tuple(each["loc"]), _told(each)) for each in error.errors()]
    lines = sorted({*twice, *((line_of(node, place), f"{_name(place)}{t}") for place, t in found)})
    if lines or config is None:
        raise ConfigError("\n".join(f"{path}:{line}: {told}" for line, told in lines))
    return config


def mistakes(config: WorkflowsConfig, catalog: Catalog) -> Iterator[Mistake]:
    """What is wrong in a file whose keys and types are right: place and words."""
    claimed: dict[str, str] = {}
    followed = {after for flow in config.workflows.values() for after in flow.then.values()}
    for name, flow in config.workflows.items():
        place: Place = ("workflows", name)
        for number, intent in enumerate(flow.intents):
            if intent in claimed:
                told = f"intent {intent!r} starts both {claimed[intent]!r} and {name!r}"
                yield (*place, "intents", number), told
            claimed.setdefault(intent, name)
        if not flow.intents and name not in followed:
            yield place, "unreachable: no intent starts it and no `then` leads to it"
        for say, after in flow.then.items():
            if after not in config.workflows:
                yield (*place, "then", say), f"workflow {after!r} does not exist"
        if _loops(config, name):
            yield (*place, "then"), f"a loop: {name!r} leads back to itself"
        for mistake_place, told in _flow_mistakes(flow, catalog):
            yield (*place, *mistake_place), told


def _flow_mistakes(flow: WorkflowConfig, catalog: Catalog) -> Iterator[Mistake]:
    """Mistakes within one workflow."""
    readers = READERS | dict(catalog.readers)
    for name, slot in flow.slots.items():
        if slot.kind not in readers:
            told = f"slot kind {slot.kind!r} does not exist; one of {', '.join(readers)}"
            yield ("slots", name, "kind"), told
    yield from _way_mistakes(flow, catalog)
    preview = flow.preview
    needs = preview.needs if preview is not None else ()
    for slot_name in needs:
        if slot_name not in flow.slots:
            yield ("preview", "needs"), f"slot {slot_name!r} does not exist"
    action = flow.action if isinstance(flow.action, str) else flow.action.http
    called = [_Called("action", action, tuple(flow.slots), catalog.actions)]
    if preview is not None:
        source = preview.call or preview.http or ""
        called.append(_Called("preview", source, needs, catalog.previews))
    for each in called:
        yield from each.mistakes()
    says = [DECLINED] if flow.confirm is not None else []
    says += [LACKING] if flow.ways and LACKING in flow.answers else []
    says += [say for each in called for say in each.says() if say != OK]
    yield from _answer_mistakes(flow, says, all(each.known() for each in called))
    yield from _text_mistakes(flow, set(flow.slots).union(*(each.facts() for each in called)))


def _way_mistakes(flow: WorkflowConfig, catalog: Catalog) -> Iterator[Mistake]:
    """Ways of slots that do not exist, and an action that needs a slot of only one of them."""
    for number, way in enumerate(flow.ways):
        for slot_name in way:
            if slot_name not in flow.slots:
                yield ("ways", number), f"slot {slot_name!r} does not exist"
    called = catalog.actions.get(flow.action) if isinstance(flow.action, str) else None
    for need in called.needs if called is not None else ():
        having = [need in way for way in flow.ways]
        if any(having) and not all(having):
            yield ("ways",), f"{flow.action} needs the slot {need!r}, which a way does without"


@dataclass(frozen=True, slots=True)
class _Called:
    """What a workflow calls: under which key, what, with which slots, and what there is."""

    key: str
    call: str | HttpConfig
    slots: Sequence[str]
    catalog: Mapping[str, Action]

    def known(self) -> bool:
        return isinstance(self.call, HttpConfig) or self.call in self.catalog

    def says(self) -> Sequence[str]:
        if isinstance(self.call, HttpConfig):
            return self.call.says()
        return self.catalog[self.call].says if self.call in self.catalog else ()

    def facts(self) -> Iterable[str]:
        if isinstance(self.call, HttpConfig):
            return self.call.facts
        return self.catalog[self.call].facts if self.call in self.catalog else ()

    def mistakes(self) -> Iterator[Mistake]:
        if isinstance(self.call, HttpConfig):
            for place, told in _http_mistakes(self.call, self.slots):
                yield (self.key, "http", *place), told
        elif self.call not in self.catalog:
            told = f"{self.key} {self.call!r} does not exist; one of {', '.join(self.catalog)}"
            yield (self.key,), told
        else:
            for need in self.catalog[self.call].needs:
                if need not in self.slots:
                    yield (self.key,), f"{self.call} needs the slot {need!r}"


def _answer_mistakes(flow: WorkflowConfig, says: Sequence[str], whole: bool) -> Iterator[Mistake]:
    """Answers that are missing, or that nothing leads to."""
    for say in dict.fromkeys(says):
        if say not in flow.answers:
            yield ("answers",), f"needs the answer {say!r}"
    for answer in flow.answers if whole else ():
        if answer not in says:
            yield ("answers", answer), "unreachable: neither action nor preview says it"
    for key, say in [("ask_again", say) for say in flow.ask_again] + [
        ("then", say) for say in flow.then
    ]:
        if say not in says and whole:
            yield (key, say), f"answer {say!r} is never said"
    yield from _again_mistakes(flow)


def _again_mistakes(flow: WorkflowConfig) -> Iterator[Mistake]:
    for say, slot in flow.ask_again.items():
        if slot not in flow.slots:
            yield ("ask_again", say), f"slot {slot!r} does not exist"
        if say in flow.then:
            yield ("then", say), f"after {say!r} a slot is asked for again: nothing follows"


def _text_mistakes(flow: WorkflowConfig, facts: set[str]) -> Iterator[Mistake]:
    """Braces in texts that are neither a slot nor a fact, or hold anything but a name."""
    slots = set(flow.slots)
    texts: list[tuple[Place, str, set[str]]] = [
        *((("answers", name), text, facts) for name, text in flow.answers.items()),
        *((("slots", name, "ask"), slot.ask, slots) for name, slot in flow.slots.items()),
        *((("slots", name, "invalid"), slot.invalid or "", slots | {"value"})
          for name, slot in flow.slots.items()),
        (("confirm",), flow.confirm or "", facts),
    ]  # fmt: skip
    for place, text, known in texts:
        for name in BRACES.findall(text):
            if name not in known:
                yield place, f"{{{name}}} is neither a slot nor a fact here"
        stray = _STRAY.search(BRACES.sub("", text))
        if stray is not None:
            told = "braces hold the name of a slot or a fact, as {name}, and nothing else"
            yield place, f"{stray.group()!r} in a text: {told}"


def _http_mistakes(http: HttpConfig, slots: Sequence[str]) -> Iterator[Mistake]:
    for name in BRACES.findall(http.url):
        if name not in slots:
            yield ("url",), f"{{{name}}} is no slot that is known here"
    for header, value in http.headers.items():
        for name in ENVIRONMENT.findall(value):
            if name not in os.environ:
                yield ("headers", header), f"the environment has no {name}; set it"
        if BRACES.search(ENVIRONMENT.sub("", value)):
            yield ("headers", header), "a header takes no slot"
    for name in _braces_of(http.body):
        if name not in slots:
            yield ("json",), f"{{{name}}} is no slot that is known here"


def _braces_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        yield from BRACES.findall(value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _braces_of(inner)


def _loops(config: WorkflowsConfig, start: str) -> bool:
    seen: set[str] = set()
    ahead = list(config.workflows[start].then.values())
    while ahead:
        name = ahead.pop()
        if name == start:
            return True
        if name in config.workflows and name not in seen:
            seen.add(name)
            ahead += config.workflows[name].then.values()
    return False


def _told(mistake: Any) -> str:  # noqa: ANN401 - pydantic's details
    message = str(mistake["msg"]).removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        return "unknown key"
    got = mistake["input"]
    return message if isinstance(got, dict | list | tuple) else f"{message} (got {got!r})"


def _name(place: Place) -> str:
    return f"{'.'.join(map(str, place))}: " if place else ""
