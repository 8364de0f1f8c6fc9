"""Who of several people is the customer, for exports that do not say.

Where the company's people are named (`--map agent=Ann,Bob` or `agent=@company.com`), they are the
agents; else whoever opens a conversation is its customer, and all others are agents.
"""

from collections.abc import Callable, Mapping, Sequence

from data.schema import Speaker

AGENT = "agent"  # the field of --map that names the company's people


def agent_names(columns: Mapping[str, str]) -> list[str]:
    """The names of `--map agent=…`, as they were given."""
    return [part.strip() for part in columns.get(AGENT, "").split(",") if part.strip()]


def named_agents(columns: Mapping[str, str], heard: set[str]) -> Callable[[str], bool] | None:
    """Whether a person is one of those named by `--map agent=…`; None where none are named.

    A name that begins with `@` is the end of a mail address.

    Args:
        columns: From `--map`.
        heard: Each name, as it was given, is added when somebody of that name is asked about.
    """
    named = {name.casefold(): name for name in agent_names(columns)}
    if not named:
        return None
    ends = tuple(name for name in named if name.startswith("@"))

    def is_agent(person: str) -> bool:
        called = person.casefold()
        found = [end for end in ends if called.endswith(end)]
        found += [called] if called in named else []
        heard.update(named[name] for name in found)
        return bool(found)

    return is_agent


def speakers(people: Sequence[str], is_agent: Callable[[str], bool] | None) -> list[Speaker]:
    """The speaker of each turn, from who wrote it.

    Args:
        people: Who wrote each turn, in order of time.
        is_agent: From `named_agents`.
    """
    if is_agent is not None:
        return ["agent" if is_agent(person) else "customer" for person in people]
    return ["customer" if person == people[0] else "agent" for person in people]
