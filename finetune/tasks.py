"""The tasks that can be trained, each a module with the answers of the Task protocol."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from finetune.task import Task

_PLACES = {
    "intent": "finetune.intent.task:IntentTask",
    "ner": "finetune.ner.task:NerTask",
    "qa": "finetune.qa.task:QaTask",
    "relation": "finetune.relation.task:RelationTask",
    "reply": "finetune.reply.task:ReplyTask",
    "pretrain": "finetune.pretrain.task:PretrainTask",
    "summary": "finetune.summary.task:SummaryTask",
    "dialogue": "finetune.dialogue.task:DialogueTask",
}


class _Tasks(Mapping[str, Task]):
    """Name → Task. Its module is imported when it is asked for: one training needs one."""

    def __init__(self) -> None:
        self._made: dict[str, Task] = {}

    def __getitem__(self, name: str) -> Task:
        if name not in self._made:
            module, _, task = _PLACES[name].partition(":")
            self._made[name] = cast(Task, getattr(import_module(module), task)())
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


TASKS: Mapping[str, Task] = _Tasks()
