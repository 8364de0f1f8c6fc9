"""Who of several people is the customer, for exports that do not say.

Where the company's people are named (`--map agent=Ann,Bob` or `agent=@company.com`), they are the
agents; else whoever opens a conversation is its customer, and all others are agents.
"""

from collections.abc import Callable, Mapping, Sequence

from data.schema import Speaker

AGENT = "agent"  # the field of --map that names the company's people


def named_agents(columns: Mapping[str, str]) -> Callable[[str], bool] | None:
    """Whether a person is one of those named by `--map agent=…`; None where none are named.

    A name that begins with `@` is the end of a mail address.
    """
    named = [part.strip().casefold() for part in columns.get(AGENT, "").split(",") if part.strip()]
    if not named:
        return None
    exact = {name for name in named if not name.startswith("@")}
    ends = tuple(name for name in named if name.startswith("@"))
    return lambda person: person.casefold() in exact or person.casefold().endswith(ends or ("\0",))


def speakers(people: Sequence[str], is_agent: Callable[[str], bool] | None) -> list[Speaker]:
    """The speaker of each turn, from who wrote it.

    Args:
        people: Who wrote each turn, in order of time.
        is_agent: From `named_agents`.
    """
    if is_agent is not None:
        return ["agent" if is_agent(person) else "customer" for person in people]
    return ["customer" if person == people[0] else "agent" for person in people]
