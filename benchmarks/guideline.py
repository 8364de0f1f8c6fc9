"""Customers' cases written from the company's guideline alone, played to the customer service bot.

    python -m benchmarks.guideline development            every case that is no success, and why
    python -m benchmarks.guideline development --all -v   all of them, with what was said

Their writers knew the rules of the company and the way people type, but neither the bot nor its
workflows (`data/samples/README.md`). The bot is the demo's: its runs and its index lie in the
working folder. Each case is played to a bot with a store of its own by a scripted customer
(`guideline_customer.py`), who answers what the bot waits for with what the case has for that slot,
says what is left when a matter is closed, and stops at a hand-over or after 12 messages. Who has
no words for what is asked says what the case has under `other`, once, then that they lack it (`no
thanks` to a confirmation). Who is asked to confirm something else than just before has been
understood in a correction, and agrees. An offer behind an answer to a question is taken up only
where the case has words for it and nothing else is left to say.

Each case counts once, as the first of these that holds (`guideline_verdict.py`):

success       everything wanted was done and nothing else; of every group of `must_say` one text was
              said, of `must_not_say` none; and there was a hand-over where one is needed, for one
              of the reasons that the case accepts, or none where none may be.
wrong         something was done that must not be; or something said that must not be; or a question
              was answered with a passage that holds nothing of what the case wants to be told
              (unless a person who was needed did take over); or it ended with an answer that is
              not enough, as if it were.
handed over   a person took over. The reason fits if the case accepts it; where the case has none,
              or needed no person, if the bot says that it does not know or is not sure, or that an
              action failed after a workflow began.
unfinished    it ended at a question of the bot.
declined      it ended with the bot saying that it cannot help with that, or has not understood.

So a right answer followed by a hand-over that was not needed is `handed over`, and a bot that says
nothing useful and stops is `wrong` only if what it said looks like an answer.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.app import App
from apps.config import app_config
from apps.harmless import IN_MEMORY
from apps.serving import OWNER, last_answer, opened_chat
from apps.store import Store
from benchmarks.guideline_cases import CASES, SETS, Case, read_cases
from benchmarks.guideline_customer import Talk, play
from benchmarks.guideline_verdict import OUTCOMES, Verdict, judged
from benchmarks.shell import row
from data.errors import ConfigError, DeskhandError

Fresh = Callable[[], tuple[App, Store]]
Judged = tuple[Talk, Verdict]


def run(datasets: Path) -> list[dict[str, Any]]:
    """The sets that are there; but for `held_out` their failures have been read, and mended.

    Raises:
        ConfigError: If none is there, or one is not what it should be.
    """
    paths = {name: CASES / f"{name}.yaml" for name in SETS}
    cases = {name: read_cases(path) for name, path in paths.items() if path.exists()}
    if not cases:
        raise ConfigError(f"{CASES}: holds neither {' nor '.join(f'{name}.yaml' for name in SETS)}")
    found = [
        each for name, some in cases.items() for each in rows(name, played(some, fresh_bots()))
    ]
    missing = [name for name in SETS if name not in cases]
    return found + [row(f"{name}: success", f"not measured: no {paths[name].name}", "0.85")
                    for name in missing]  # fmt: skip


def fresh_bots() -> Fresh:
    """Gives the demo's bot with a new store each time; the models are loaded once."""
    config, folder = app_config("customer_service")
    config = config.model_copy(update={"store": IN_MEMORY})
    return lambda: opened_chat(config, folder)


def played(cases: Sequence[Case], fresh: Fresh) -> list[Judged]:
    """Each case with a bot and a store of its own, and what it counts as."""
    found = []
    for case in cases:
        app, store = fresh()
        identity = store.new_conversation(OWNER, app.title)

        def say(text: str, app: App = app, store: Store = store, identity: str = identity) -> Any:  # noqa: ANN401
            return last_answer(app, store, identity, text)

        talk = play(case, say)
        found.append((talk, judged(talk)))
    return found


def rows(name: str, found: Sequence[Judged]) -> list[dict[str, Any]]:
    """The shares of one set."""
    total = len(found)
    counts = {kind: sum(v.outcome == kind for _, v in found) for kind in OUTCOMES}
    passed = [verdict for _, verdict in found if verdict.outcome == "handed_over"]
    fits = sum(verdict.reason_fits for verdict in passed)
    messages = sum(len(talk.messages) for talk, _ in found) / total
    return [
        row(f"{name}: success", counts["success"] / total, "0.85",
            f"{counts['success']} of {total} cases, {messages:.1f} messages of a customer each"),
        row(f"{name}: wrong", counts["wrong"] / total, "0.05 at most",
            f"{counts['wrong']} cases"),
        row(f"{name}: handed over without success", len(passed) / total, "",
            f"{fits} of {len(passed)} with a reason that fits"),
        row(f"{name}: declined · unfinished",
            f"{counts['declined'] / total:.4f} · {counts['unfinished'] / total:.4f}", "",
            f"{counts['declined']} · {counts['unfinished']} cases"),
    ]  # fmt: skip


def main(
    which: Annotated[str, typer.Argument(help=" or ".join(SETS))] = SETS[0],
    everything: Annotated[bool, typer.Option("--all", help="successes too")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="with what was said")] = False,
    only: Annotated[str, typer.Option(help="cases whose name holds this")] = "",
) -> None:
    """Play one set and tell how each case went."""
    if which not in SETS:
        raise typer.BadParameter(f"no set {which!r}; {' or '.join(SETS)}")
    try:
        cases = [case for case in read_cases(CASES / f"{which}.yaml") if only in case.name]
        found = played(cases, fresh_bots())
    except DeskhandError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    for talk, verdict in found:
        if everything or verdict.outcome != "success":
            typer.echo("\n".join(told(talk, verdict, verbose)))
    for each in rows(which, found) if found else ():
        typer.echo(f"{each['what']}: {each['value']} ({each['beside']})")


def told(talk: Talk, verdict: Verdict, verbose: bool) -> list[str]:
    """A case for people to read."""
    reason = "" if verdict.reason_fits else ", reason does not fit"
    lines = [f"{verdict.outcome}{reason}: {talk.case.name}", *(f"    {w}" for w in verdict.why)]
    if verbose:
        for message, answer in zip(talk.messages, talk.answers, strict=True):
            intent = answer.intent
            sure = f"{intent.name} {intent.confidence:.2f}" if intent else "-"
            lines += [
                f"  > {message}",
                f"  < [{sure} · {answer.step} · {answer.reason}] {answer.text}",
            ]
    return lines


if __name__ == "__main__":
    typer.run(main)
