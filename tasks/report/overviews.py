"""How a study stands, drawn: what each board shows of the store, in counts and with links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from capstan.delivery.codes import rule_for
from capstan.plan import KEYS
from capstan.settings import load_settings
from capstan.store import Run, Store, find_run, list_runs, read_items, read_verdicts, refer_to
from capstan.store.coverage import list_intervals
from capstan.store.states import RunState
from capstan.store.tallies import open_waits_of, tally_attempts, tally_inbox, tally_stopped
from capstan.triggers import Place
from capstan.verdict import Severity, of_severity
from checks.catalogue import CATALOGUE
from tasks.report.drawing import Drawing

DAYS = 30
"""How far back a page looks at what is over."""

_MOST_LINKS = 12
_MOST_PLANS = 1000
_MOST_ROWS = 30
_AGES = (
    ("under 1 day", timedelta(days=1)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
)
_OLDEST = "over 7 days"


def waiting_plans(store: Store, study: str, *, now: datetime) -> list[Run]:
    """The runs whose plan can still be approved, newest first."""
    runs = list_runs(store, study, state=RunState.HELD, limit=_MOST_PLANS)
    return [run for run in runs if run.expires_at and run.expires_at >= now]


def draw_held(store: Store, study: str, now: datetime) -> Drawing:
    """Plans that wait for a person's yes or no."""
    runs = waiting_plans(store, study, now=now)
    rows = [
        {
            "plan": f"`{str(run.plan_digest)[:12]}`",
            "flow": run.flow,
            "held since (UTC)": f"{run.ended_at or run.started_at:%Y-%m-%d %H:%M}",
            "can be approved until": f"{run.expires_at:%Y-%m-%d %H:%M}",
            "rows": run.counts.get("rows_accepted", 0),
            "cells": run.counts.get("cells_planned", 0),
        }
        for run in runs
    ]
    then = [
        "`capstan plan show PLAN` shows its cells, and why it is held.",
        "`capstan plan approve PLAN` or `capstan plan reject PLAN` decides; so does a run of `apply-plan`.",
    ]
    return Drawing(_many(len(runs), "plan waits", "plans wait"), {}, rows, then if runs else ())


def draw_stopped(store: Store, study: str, now: datetime) -> Drawing:
    """Rows that the gate stopped and nobody has answered yet, by the check that stopped them."""
    runs = tally_stopped(store, study)
    items = read_items(store, study=study).drop_duplicates("item")
    found = Counter[str]()
    for run in items["run"].unique():
        rows = items.loc[items["run"] == run, list(KEYS)]
        errors = of_severity(read_verdicts(store, find_run(store, run)), Severity.ERROR)
        stopping = errors[[*KEYS, "check"]].drop_duplicates().merge(rows, on=list(KEYS))
        found.update(stopping["check"])
    counts = dict(found.most_common())
    shown = [{"rows": count, "check": f"`{name}`", "what": _meaning(name)} for name, count in counts.items()]
    then = [
        "`capstan quarantine list` shows where they are and why.",
        "Correct them in REDCap or close them; `rejudge-quarantine` writes what passes then.",
        *_links(store, study, now=now),
    ]
    total = sum(one.rows for one in runs)
    return Drawing(_many(total, "row waits", "rows wait"), counts, shown, then if total else ())


def draw_deliveries(store: Store, study: str, now: datetime) -> Drawing:
    """What became of messages, by channel, status and the provider's code."""
    tried = tally_attempts(store, study, since=now - timedelta(days=DAYS))
    rows = [
        {
            "attempts": one.attempts,
            "channel": one.channel,
            "status": one.status,
            "code": str(one.code or ""),
            "what the code means": rule_for(one.code, status=one.status).meaning if one.code else "",
        }
        for one in tried
    ]
    counts = Counter[str]()
    for one in tried:
        counts[f"{one.channel}: {one.status}"] += one.attempts
    said = f"{sum(counts.values()):,} attempts in the last {DAYS} days."
    then = [f"`capstan messages list --study {study}` shows messages."]
    return Drawing(said, dict(counts.most_common()), rows, then if rows else ())


def draw_monitors(store: Store, study: str, now: datetime) -> Drawing:
    """What is waited for, by monitor and by how long already."""
    waits = open_waits_of(store, study)
    names = list(dict.fromkeys((one.monitor, one.state) for one in waits))
    ages = [name for name, _ in _AGES] + [_OLDEST]
    counted = Counter((one.monitor, one.state, _age(now - one.since)) for one in waits)
    rows = [
        {"monitor": monitor, "state": state, **{age: counted[monitor, state, age] for age in ages}}
        for monitor, state in names
    ]
    counts = {age: sum(counted[*name, age] for name in names) for age in ages}
    then = [f"`capstan monitors list --study {study}` shows each; `capstan monitors dismiss` ends one."]
    return Drawing(_many(len(waits), "wait is open", "waits are open"), counts, rows, then if waits else ())


def draw_coverage(store: Store, study: str, _now: datetime) -> Drawing:
    """What came of REDCap's triggers between reconciliations, and what waits in the inbox."""
    inbox, intervals = tally_inbox(store, study), list_intervals(store, study, limit=_MOST_ROWS)
    rows = [
        {
            "until (UTC)": f"{one.ended_at:%Y-%m-%d %H:%M}",
            **{
                name: "" if (count := getattr(one, name)) is None else count
                for name in ("saves", "received", "late", "missed", "duplicate", "made", "deleted", "renamed")
            },
        }
        for one in intervals
    ]
    parts = ("received", "late", "missed", "duplicate")
    counts = {name: sum(getattr(one, name) or 0 for one in intervals) for name in parts}
    said = f"{inbox.waiting:,} items wait, of which {inbox.failed:,} have failed before."
    then = [f"`capstan triggers coverage --study {study}` explains the counts."]
    return Drawing(said, counts, rows, then)


def _links(store: Store, study: str, *, now: datetime) -> Iterator[str]:
    """Links to the newest rows' forms; they say nothing of participants, and need a sign-in."""
    public_url = load_settings().public_url
    if not public_url:
        return
    items = read_items(store, study=study).drop_duplicates("item")
    newest = items[items["record"] != ""].iloc[::-1].head(_MOST_LINKS)
    for row in newest.to_dict("records"):
        run = find_run(store, row["run"])
        place = Place(*(row[name] for name in ("record", "event", "instrument", "instance")))
        reference = refer_to(store, study, project=(run.host, run.project_id), place=place, now=now)
        yield f"[Open the form of row {row['item']}]({public_url}/records/{reference})"


def _age(waited: timedelta) -> str:
    return next((name for name, most in _AGES if waited < most), _OLDEST)


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}."


def _meaning(check: str) -> str:
    return CATALOGUE[check].meaning if check in CATALOGUE else ""
