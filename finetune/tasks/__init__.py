"""The tasks that can be trained, each a module with the answers of the Task protocol."""

from finetune.task import Task
from finetune.tasks.dialogue import DialogueTask
from finetune.tasks.intent import IntentTask
from finetune.tasks.ner import NerTask
from finetune.tasks.pretrain import PretrainTask
from finetune.tasks.qa import QaTask
from finetune.tasks.relation import RelationTask
from finetune.tasks.reply import ReplyTask
from finetune.tasks.summary import SummaryTask

TASKS: dict[str, Task] = {
    "intent": IntentTask(),
    "ner": NerTask(),
    "qa": QaTask(),
    "relation": RelationTask(),
    "reply": ReplyTask(),
    "pretrain": PretrainTask(),
    "summary": SummaryTask(),
    "dialogue": DialogueTask(),
}
