"""The report of a run: what it holds, in what order, and how it looks."""

from collections.abc import Mapping, Sequence
from typing import Any

from data.html_page import whole_page
from finetune.report import drawings, policy, rows, scores
from finetune.report.fitted import fitted_note
from finetune.report.markup import Section, facts, shown, text
from finetune.report.search import search
from finetune.report.talks import leak_test, side_by_side
from finetune.report.why import why
from finetune.task import Scored

_PRIVATE = (
    "<p class=private><b>This page holds rows of the customer's data. Do not pass it on.</b></p>"
)
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2a26;--page:#fff;--line:#d5dfda;--dim:#56665f;
--head:#14532d;--box:#f4f7f5;--warn:#fff3d6;--good:#0b6e4f;--bad:#b03a00;--miss:#d55e00;
--hit:#0072b2}
@media(prefers-color-scheme:dark){:root{--ink:#e3ebe7;--page:#131a17;--line:#33413b;--dim:#9db0a7;
--head:#8fd3ae;--box:#1b2420;--warn:#43350f;--good:#5fd3a5;--bad:#ff9a66;--miss:#ff8a3d;
--hit:#4da6dc}}
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;
color:var(--ink);background:var(--page)}
h1,h2,h3{color:var(--head);line-height:1.2}h2{margin-top:2.5rem}a{color:inherit}
.note,figcaption,small{color:var(--dim)}small{font-size:.8em}
.private,.warn{background:var(--warn);padding:.5rem .8rem;border-radius:.4rem}
nav ul{columns:15rem;padding-left:2rem;background:var(--box);margin:1rem 0;
padding-block:.6rem;border-radius:.4rem}
.scroll{overflow:auto;margin:1rem 0}.tall{max-height:42rem}
table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums;min-width:min(100%,40rem)}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child,.facts td{text-align:left}tbody th{font-weight:400}
tfoot{position:sticky;bottom:0;background:var(--box)}tfoot th,tfoot td{text-align:right}
tfoot th{text-align:left}
thead th{position:sticky;top:0;background:var(--page);white-space:nowrap}
td small,.scroll th small{white-space:nowrap}.facts thead{display:none}
.rows table{width:100%}.rows :is(td,thead th){text-align:left}
.rows th[scope=row]{width:50%}
.said{unicode-bidi:isolate;overflow-wrap:anywhere}
.near{margin:.3rem 0 0;padding-left:1rem;font-size:.88em;color:var(--dim);list-style:none;
border-left:2px solid var(--line)}.near .said{display:inline}
.better{color:var(--good)}.worse{color:var(--bad)}
.bar{background:var(--miss);height:.7rem;border-radius:.2rem;min-width:2px}td:has(.bar){width:35%}
figure{margin:1rem 0}.plot{width:100%;max-width:36rem;height:auto}.plot *{stroke-linejoin:round}
.heat{font-family:system-ui,sans-serif;display:block}.heat text{fill:currentColor}
.heat .miss{fill:var(--miss)}.heat .hit{fill:var(--hit)}.heat rect:hover{stroke:currentColor}
@media print{.tall,.scroll{max-height:none;overflow:visible}}
"""


def report_html(
    name: str,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    scored: Mapping[str, Scored],
    extras: Mapping[str, Any] | None = None,
) -> str:
    """The report of one run: one HTML file; a section is there if its data is.

    Args:
        name: The run's name.
        config: Its resolved config.
        metrics: Of `metrics.json`: split → baseline, before, after → metric → value, and where
            they are known intervals → metric → before, after, gain → [low, high].
        scored: After tuning, by split; the last one's details are shown.
        extras: What else is known. `log`: rows of `log.jsonl`. `neighbours`: for each error of the
            last split, training rows of `text`, `label`, `similarity`. `slices`: slice → group →
            numbers. `why`: wrong rows with `words`. `learning`: a Learning.
            `counterfactual`: kind → `n`, `changed`, `examples`. `suspicious`: rows of
            `text`, `label`, `suggested`, `confidence`, `where`. `search`: of `deskhand tune`, its
            `metric`, `best`, `trials` and `importance`. `calibration`: of an intent run's
            `calibration.json`. `talks`: rows of `text`, `agent`, `selected`, `written`.
            `leaks`: of `leaks_of`. `notes`: sentences that warn.
    """
    sections = [section for section in _sections(config, metrics, scored, extras or {})
                if section.body]  # fmt: skip
    train = config["train"]
    made = (
        f"Task {text(train['task'])}, method {text(train['method'])}, encoder "
        f"{text(train['encoder'])}, seed {train['seed']}, {shown(config['rows']['train'])} "
        f"training rows, {config['seconds']:.0f} s."
    )
    return page_html(
        name, sections, scores.headline(metrics) if metrics else "", made,
        (extras or {}).get("notes", []),
    )  # fmt: skip


def page_html(
    name: str, sections: Sequence[Section], headline: str, made: str, notes: Sequence[str] = ()
) -> str:
    """One HTML file that needs nothing else.

    Args:
        name: The page's heading.
        sections: What it holds, in order.
        headline: A line of HTML that sums it up.
        made: A line of HTML on how it was made.
        notes: Sentences that warn.
    """
    contents = "".join(f"<li><a href='#{each.anchor}'>{each.title}</a>" for each in sections)
    parts = [
        f"<h1>{text(name)}</h1>",
        _PRIVATE if any(each.private for each in sections) else "",
        f"<p>{headline}</p><p class=note>{made}</p>",
        *(f"<p class=warn>{text(note, 1000)}</p>" for note in notes),
        f"<nav aria-label=Contents><ul>{contents}</ul></nav>",
        *(f"<h2 id={each.anchor}>{each.title}</h2>{each.body}" for each in sections),
    ]
    # Half of a surrogate pair, which JSON allows in a text, cannot be written to a file.
    page = whole_page(name, _STYLE, "".join(parts))
    return page.encode("utf-8", "replace").decode("utf-8")


def _note(sentence: str) -> str:
    return f"<p class=note>{text(sentence, 1000)}</p>" if sentence else ""


def _sections(
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    scored: Mapping[str, Scored],
    extras: Mapping[str, Any],
) -> list[Section]:
    last = list(scored.values())[-1] if scored else Scored({})
    heat, pairs = scores.confusion(last)
    costs = {"seconds": config["seconds"], "device": config.get("device")}
    costs |= {f"peak {key}": value for key, value in (config.get("peak") or {}).items()}
    near = extras.get("neighbours") or []
    fitted = extras.get("calibration") or {}
    return [
        *(
            Section(
                split,
                f"{split.title()}: before and after",
                _note(fitted_note(config, split)) + scores.comparison(metrics[split]),
            )
            for split in ("validation", "test")
            if split in metrics
        ),
        Section("classes", "By class", scores.by_class(last)),
        Section("confusion", "Confusion matrix", heat),
        Section("pairs", "Most confused", pairs),
        Section("talks", "Side by side", side_by_side(extras.get("talks") or []), private=True),
        Section("leaks", "Leak test", leak_test(extras.get("leaks") or {})),
        Section("errors", "Wrong rows", rows.wrong_rows(last.errors, near), private=True),
        Section("why", "Why", why(extras.get("why") or []), private=True),
        Section("calibration", "Is its confidence right?", drawings.calibration(last)),
        Section("coverage", "When to answer", drawings.coverage(last)),
        Section("scope", "Out of scope",
                drawings.out_of_scope(last) + policy.scope_table(fitted.get("scope") or {})),
        Section("hand_over", "When it hands over",
                policy.hand_over(fitted.get("policy") or {}, scored)),
        Section("search", "Search", search(extras.get("search") or {})),
        Section("losses", "Losses", drawings.losses(extras.get("log") or [])),
        Section("learning", "Would more rows help?",
                drawings.learning(extras.get("learning"))),
        Section("slices", "By kind of row", scores.slices(extras.get("slices") or {})),
        Section("changes", "Changes that should not matter",
                rows.counterfactual(extras.get("counterfactual") or {}), private=True),
        Section("labels", "Labels to check", rows.suspicious(extras.get("suspicious") or []),
                private=True),
        Section("cost", "Time and memory", facts(costs)),
        Section("settings", "Settings", facts(config)),
    ]  # fmt: skip
