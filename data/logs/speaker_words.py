"""The words by which exports say who spoke: customer, agent, a bot or the system itself."""

import re
from collections.abc import Callable, Sequence

from data.logs.roles import speakers
from data.schema import Mark, Speaker

_CUSTOMER = (
    "customer", "user", "client", "visitor", "end-user", "end_user", "enduser", "requester",
    "contact", "inbound", "incoming", "in", "buyer", "guest", "human", "lead", "caller", "consumer",
    "shopper", "kunde", "kundin", "cliente", "客户", "顾客", "用户", "买家",
)  # fmt: skip
_AGENT = (
    "agent", "support", "staff", "operator", "assistant", "outbound", "outgoing", "out", "admin",
    "representative", "rep", "employee", "advisor", "adviser", "teammate", "customer service",
    "customer support", "customer care", "support agent", "mitarbeiter", "berater", "kundenservice",
    "agente", "conseiller", "客服", "坐席",
)  # fmt: skip
_BOT = (
    "bot", "chatbot", "virtual agent", "virtual assistant", "virtual_agent", "virtual_assistant",
    "ai", "automation", "autoresponder", "auto-reply", "机器人",
)  # fmt: skip
_SYSTEM = ("system", "event", "notification", "activity", "trigger", "系统")
Role = tuple[Speaker, Mark | None]
ROLES: dict[str, Role] = {
    **dict.fromkeys(_CUSTOMER, ("customer", None)),
    **dict.fromkeys(_AGENT, ("agent", None)),
    **dict.fromkeys(_BOT, ("agent", "bot")),
    **dict.fromkeys(_SYSTEM, ("agent", "system")),
}
TRUE, FALSE = ("true", "1", "yes", "t", "y"), ("false", "0", "no", "f", "n")
_OF_AGENTS = re.compile(r"agent|staff|admin|outbound|outgoing|employee")


def role_of(value: str, column: str = "") -> Role | None:
    """Who a value says has spoken, None where it says nothing of it (a name, an address).

    Args:
        value: `Customer`, `end-user`, `outbound`, `bot`; or `true`, as in a column `inbound`.
        column: Its column's name: `true` means an agent in one such as `is_agent`.
    """
    word = value.strip().casefold().removesuffix(".0")  # pandas, where a column has gaps
    if word in TRUE or word in FALSE:
        agent = (word in TRUE) == bool(_OF_AGENTS.search(column.casefold()))
        return ("agent" if agent else "customer"), None
    return ROLES.get(word)


def roles_of(
    values: Sequence[str], is_agent: Callable[[str], bool] | None, column: str = ""
) -> list[Role]:
    """The role of each turn of one conversation, from what its speaker column says.

    A value that `role_of` does not know is a person: one of the company's where `is_agent` says
    so; else of the side that nobody has taken yet; else by who opened the conversation.

    Args:
        values: One for each turn, in order of time.
        is_agent: From `roles.named_agents`.
        column: The column's name.
    """
    known = [role_of(value, column) for value in values]
    people = [value for value, role in zip(values, known, strict=True) if role is None]
    if not people:
        return [role for role in known if role is not None]
    sides = {role[0] for role in known if role is not None and role[1] is None}
    other: Speaker = "agent" if "customer" in sides else "customer"
    by_name = is_agent is not None or not sides
    said = iter(speakers(people, is_agent) if by_name else [other] * len(people))
    return [role if role is not None else (next(said), None) for role in known]
