"""What conversations reach of an app: workflows' questions and endings, and the intents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.customer_service.workflow_file import WorkflowsConfig, stages
from apps.testing.running import Ran, Subject
from data.config import load_config
from data.schema import OOS, Answer
from finetune.run_dir import RunDir


@dataclass(frozen=True, slots=True)
class Part:
    """What can be reached of one thing, and what never was."""

    reached: tuple[str, ...]
    missed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"reached": list(self.reached), "missed": list(self.missed)}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one app: each workflow's questions and endings that some answer came to, and intents.

    An intent counts where a turn expects it, out of scope under its name in files: what the app
    takes a turn for counts for nothing. Empty for an app without workflows.
    """

    workflows: Mapping[str, Part]
    intents: Part

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "workflows": {name: part.to_dict() for name, part in self.workflows.items()},
            "intents": self.intents.to_dict(),
        }


def coverage_of(subject: Subject) -> Coverage:
    """The coverage of an app by all that was run through it."""
    if subject.config.app != "customer_service":
        return Coverage({}, Part((), ()))
    workflows = load_config(WorkflowsConfig, subject.folder / subject.config.workflows)
    run = RunDir(subject.config.runs.intent)
    labels: list[str] = run.read_json(run.labels)
    return measure(stages(workflows), [*labels, *({OOS} - set(labels))], subject.ran)


def measure(
    known: Mapping[str, Sequence[str]], intents: Sequence[str], ran: Sequence[Ran]
) -> Coverage:
    """Compare what can be reached with what was.

    Args:
        known: Stages of each workflow.
        intents: All that a turn can have, `oos` among them.
        ran: Conversations as they went.
    """
    reached = {stage for each in ran for stage in _reached(each.answers)}
    expected = {
        turn.expect.intent or OOS
        for each in ran
        for turn in each.conversation.turns
        if turn.expect is not None and "intent" in turn.expect.model_fields_set
    }
    workflows = {
        name: _part(known[name], {stage for workflow, stage in reached if workflow == name})
        for name in known
    }
    return Coverage(workflows, _part(intents, expected))


def _part(known: Sequence[str], reached: set[str]) -> Part:
    return Part(
        tuple(name for name in known if name in reached),
        tuple(name for name in known if name not in reached),
    )


def _reached(answers: Sequence[Answer]) -> Iterator[tuple[str, str]]:
    """Workflow and stage of each answer that has one; a hand-over counts for what was going on."""
    going_on: str | None = None
    for answer in answers:
        kind, _, rest = answer.step.partition(":")
        if kind == "workflow":
            name, _, stage = rest.partition(":")
            yield name, stage
        elif answer.hand_over and going_on is not None:
            yield going_on, "hand_over"
        state = answer.state.get("workflow")
        going_on = state["name"] if state else None
