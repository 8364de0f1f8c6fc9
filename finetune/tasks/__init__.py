"""The tasks that can be trained, each a module with the answers of the Task protocol."""

from finetune.task import Task
from finetune.tasks.intent import IntentTask
from finetune.tasks.ner import NerTask
from finetune.tasks.reply import ReplyTask

TASKS: dict[str, Task] = {"intent": IntentTask(), "ner": NerTask(), "reply": ReplyTask()}
