"""The tasks that can be trained, each a module with the answers of the Task protocol."""

from finetune.dialogue.task import DialogueTask
from finetune.intent.task import IntentTask
from finetune.ner.task import NerTask
from finetune.pretrain.task import PretrainTask
from finetune.qa.task import QaTask
from finetune.relation.task import RelationTask
from finetune.reply.task import ReplyTask
from finetune.summary.task import SummaryTask
from finetune.task import Task

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
