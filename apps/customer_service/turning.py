"""What a message does to a workflow that is open, was open, or is about to begin."""

from apps.customer_service.agreement import on_condition
from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.phrases import AHEAD, CORRECTS, LACKS, PERSON, UNDOES, WISHES
from apps.customer_service.progress import Progress
from apps.customer_service.remarks import describes
from apps.customer_service.workflow import Workflows
from finetune.intent.model import IntentModel

SHORT = 6  # words of a mere correction


class Turning:
    """Tells a reply to a workflow's question from all that is something else.

    Args:
        workflows: The bot's.
        intents: The intent run, which tells what confidences can be acted on.
        judges: Whether it was fitted when a page answers.
    """

    def __init__(self, workflows: Workflows, intents: IntentModel, judges: bool) -> None:
        self._workflows, self._intents, self._judges = workflows, intents, judges

    def corrects(self, turn: BotTurn, started: str | None) -> bool:
        """Whether the message gives the workflow that has just ended another value."""
        if turn.last is None or not CORRECTS.search(turn.text):
            return False
        elsewhere = started not in (None, turn.last.name)
        if started is not None and elsewhere:
            only_there = self._workflows.read_apart(turn.last.name, started)
            if self._workflows.names_new(turn.last, turn.text, turn.said.entities, only_there):
                return True
        if elsewhere and (WISHES.search(turn.text) or len(turn.text.split()) > SHORT):
            return False
        return self._workflows.names_new(turn.last, turn.text, turn.said.entities)

    def undoes(self, turn: BotTurn) -> bool:
        """Whether it wants back what was just done, which no workflow undoes."""
        last = turn.last
        if turn.progress is not None or last is None or not self._workflows.changes(last.name):
            return False
        done = turn.tried[-1:] == [f"workflow:{last.name}:answer:done"]
        return done and bool(UNDOES.search(turn.text))

    def agrees_on_condition(self, turn: BotTurn, progress: Progress) -> bool:
        """Whether a yes has anything else to it: nothing is done on it, however often it comes.

        Another value is told by the workflow's next question.
        """
        if progress.asked != "confirm":
            return False
        if self._workflows.names_new(progress, turn.text, turn.said.entities):
            return False
        question = self._workflows.confirmation(progress.name)
        return on_condition(turn.text, question, self._workflows.repeatable(progress))

    def ahead(self, turn: BotTurn, started: str) -> bool:
        """Whether it asks to look up an order that is only thought of: there is none yet."""
        numbers = any(entity.type == "order_number" for entity in turn.said.entities)
        if numbers or turn.progress is not None or self._workflows.changes(started):
            return False
        return bool(AHEAD.search(turn.text))

    def lacks(self, turn: BotTurn, progress: Progress) -> bool:
        """Whether the customer does not have what is asked for: a colleague can find the order."""
        asked = progress.asked not in (None, "confirm")
        if not asked or "?" in turn.text or not LACKS.search(turn.text):
            return False
        return not self._workflows.takes(progress, turn.text, turn.said.entities)

    def switches(self, turn: BotTurn, progress: Progress, started: str | None) -> bool:
        """Whether the message leaves the workflow's question unanswered or wants another workflow.

        An answer such as "it is order FK-123456" may look like another intent: only a message that
        also asks or wishes counts as a change of mind. Whoever asks for a person gets one, whatever
        else the message says; but a bare "yes please" may be taken for that too.
        """
        sure = turn.intent.confidence >= self._intents.levels.sure
        if not self._workflows.takes(progress, turn.text, turn.said.entities):
            if progress.asked != "confirm" and describes(turn.text):
                return False
            unlike = started is not None or turn.intent.name == "talk_to_human"
            return sure or turn.person or not unlike or bool(WISHES.search(turn.text))
        if turn.person or turn.intent.name == "talk_to_human" and sure and PERSON.search(turn.text):
            return True
        other = started is not None and started != progress.name
        return other and sure and bool(WISHES.search(turn.text))

    def asks_for_person(self, turn: BotTurn) -> bool:
        """Whether it surely wants a person, or likely and in words for one."""
        if turn.intent.name != "talk_to_human":
            return False
        sure = turn.intent.confidence >= self._intents.levels.sure
        return sure or bool(PERSON.search(turn.text))

    def wished_for(self, turn: BotTurn, progress: Progress) -> bool:
        """Whether a question that no page answers is at least surely about the workflow."""
        confidence, levels = turn.intent.confidence, self._intents.levels
        if not self._judges or confidence >= levels.sure:
            return True
        begun = bool(progress.slots) or turn.progress is not None
        return begun and confidence >= levels.doubtful
