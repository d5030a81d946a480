"""Triggers: items of the inbox, judged on a fresh export, and done with what the study's rules say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from capstan.errors import (
    CapstanError,
    RedcapBanned,
    RedcapUnavailable,
    RightMissing,
    TokenRefused,
    TriggerError,
)
from capstan.project_names import Project
from capstan.store import (
    LEASE,
    MOST_ATTEMPTS,
    Asking,
    Item,
    Result,
    Worked,
    claim_items,
    give_back_items,
    log_items,
    renew_claims,
)
from capstan.study import Study
from capstan.study.triggers import TriggerRule
from capstan.triggers import Trigger, read_trigger
from capstan.triggers.content import Contents
from capstan.triggers.routing import Skip, completed, find_row, place_of, rules_for
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.redcap import read_records
from tasks.seen_places import remember_seen
from tasks.shield import effect, run_logger, shielded
from tasks.trigger_rules import Followed, follow_rule

FLOW = "ingest_triggers"
# Raised when what is done with items changes, so that the newest of each form is worked on again.
REVISION = 1
PARTNER_FLOW = "check_partner_status"
GIVEN_UP = "given up"
_FOR_ALL = (RedcapBanned, TokenRefused, RightMissing)
_UNREADABLE = "no key of the store opens it; put the former key back"
_Row = Mapping[str, str]


class Routed(NamedTuple):
    """An item that some rules may be about."""

    item: Item
    trigger: Trigger
    rules: tuple[TriggerRule, ...]


def revision_of(study: Study) -> int:
    """The revision under which items are worked on: ours, and what the study adds to it."""
    return REVISION + study.triggers_revision


@effect("work on items")
def work_batch(live: LiveProject, *, limit: int, clock: Callable[[], datetime]) -> Counter[str] | None:
    """Take some items and do what the rules say; returns counts by outcome and reason, None if none waits.

    One export serves all of them. An item that fails does not stop the others. Raises RedcapError where
    REDCap does not answer, or refuses the token: the items wait as they did.
    """
    items = claim_items(live.store, live.study.study, limit=limit, now=clock())
    if not items:
        return None
    crash_point("claimed")
    try:
        results = _work(live, items, clock=clock)
        crash_point("worked")
        log_items(
            live.store,
            live.study.study,
            results=results,
            flow=FLOW,
            revision=revision_of(live.study),
            now=clock(),
        )
    except BaseException:
        give_back_items(live.store, items)
        raise
    crash_point("logged")
    counts = Counter(_counted(result) for result in results)
    run_logger().info("worked on %d items: %s", len(results), dict(counts))
    return counts


def _work(live: LiveProject, items: Sequence[Item], *, clock: Callable[[], datetime]) -> list[Result]:
    now = renewed = clock()
    project = Project(live.dictionary, live.grid)
    routed = [_route(live, item, project=project) for item in items]
    waiting = [one for one in routed if isinstance(one, Routed)]
    results = [one for one in routed if isinstance(one, Result)]
    try:
        rows = _export(live, waiting)
    except CapstanError as error:
        _refuse_to_go_on(live, error)
        return [*results, *(_failed(one.item, error) for one in waiting)]
    for one in waiting:
        if clock() - renewed > LEASE / 10:
            renewed = clock()
            renew_claims(live.store, items, now=renewed)
        results.append(_guarded(live, one, rows=rows[one.trigger.place.record], project=project, now=now))
    return results


def _refuse_to_go_on(live: LiveProject, error: CapstanError) -> None:
    """Raise an error that every item would meet, so that none of them is tried alone and counted as failed.

    A single record can break an export, too; then REDCap still answers what is asked besides.
    """
    if isinstance(error, _FOR_ALL):
        raise error
    if isinstance(error, RedcapUnavailable):
        live.redcap.version()


def _route(live: LiveProject, item: Item, *, project: Project) -> Routed | Result:
    """Find the rules of an item, or say why nothing is done for it; nothing is asked of REDCap."""
    if item.form is None:
        return Result(item, Worked.FAILED, _UNREADABLE)
    kind, _, name = item.source.partition("/")
    if kind == "partner":
        is_known = name in {partner.name for partner in live.study.partners}
        asks = (Asking(PARTNER_FLOW, record=name),) if is_known else ()
        return Result(item, Worked.LOADED, asks=asks) if is_known else _skipped(item, Skip.NO_PARTNER)
    try:
        trigger = read_trigger(item.form)
    except TriggerError:
        return _skipped(item, Skip.NO_TRIGGER)
    rules = rules_for(trigger, live.study, project=project)
    return _skipped(item, rules) if isinstance(rules, Skip) else Routed(item, trigger, rules)


def _export(live: LiveProject, waiting: Sequence[Routed]) -> Mapping[str, list[_Row]]:
    """The rows of all records that items name, by record, in one request."""
    found: dict[str, list[_Row]] = defaultdict(list)
    records = {one.trigger.place.record for one in waiting}
    fields = Contents(live.study, live.dictionary, live.grid).fields
    frame = read_records(
        live, fields=sorted(fields), records=records, blank_for_gray=True, access_groups=True
    )
    crash_point("exported")
    for row in frame.to_dict("records"):
        cells = {str(name): str(text) for name, text in row.items()}
        found[cells[live.dictionary.record_field]].append(cells)
    return found


def _guarded(
    live: LiveProject, one: Routed, *, rows: Sequence[_Row], project: Project, now: datetime
) -> Result:
    try:
        return shielded(_apply)(live, one, rows=rows, project=project, now=now)
    except CapstanError as error:
        if one.item.attempts + 1 >= MOST_ATTEMPTS:
            _remember(live, one, rows=rows, project=project, now=now)
        return _failed(one.item, error)


def _remember(
    live: LiveProject, one: Routed, *, rows: Sequence[_Row], project: Project, now: datetime
) -> None:
    """Remember a form that is given up, or reconciliation would tell of it again and again."""
    row = find_row(rows, one.trigger, project=project)
    if not isinstance(row, Skip):
        form = one.trigger.place.instrument
        place = place_of(row, instrument=form, record_field=live.dictionary.record_field)
        remember_seen(live, place=place, row=row, now=now)


def _apply(
    live: LiveProject, one: Routed, *, rows: Sequence[_Row], project: Project, now: datetime
) -> Result:
    """Judge an item on the exported rows of its record, and do what the rules that hold say."""
    row = find_row(rows, one.trigger, project=project)
    if isinstance(row, Skip):
        return _skipped(one.item, row)
    form = one.trigger.place.instrument
    place = place_of(row, instrument=form, record_field=live.dictionary.record_field)
    rules = completed(one.rules, row, project=project)
    if isinstance(rules, Skip):
        result = _skipped(one.item, rules)
    else:
        followed = [
            follow_rule(live, rule, trigger=one.trigger, row=row, place=place, now=now) for rule in rules
        ]
        result = _summed(one.item, followed)
    remember_seen(live, place=place, row=row, now=now)
    return result


def _summed(item: Item, followed: Sequence[Followed]) -> Result:
    """One result of all rules that held: loaded if any of them did something."""
    is_loaded = any(one.is_loaded for one in followed)
    reasons = dict.fromkeys(one.reason for one in followed if one.reason)
    asks = tuple(ask for one in followed for ask in one.asks)
    return Result(item, Worked.LOADED if is_loaded else Worked.SKIPPED, "; ".join(reasons), asks)


def _skipped(item: Item, why: Skip) -> Result:
    return Result(item, Worked.SKIPPED, why.value)


def _failed(item: Item, error: CapstanError) -> Result:
    return Result(item, Worked.FAILED, f"{type(error).__name__}: {error}")


def _counted(result: Result) -> str:
    """The name under which a result is counted; of reasons only our own, for others may name sessions."""
    if result.outcome is Worked.FAILED and result.item.attempts + 1 >= MOST_ATTEMPTS:
        return GIVEN_UP
    return result.reason if result.reason in set(Skip) else result.outcome.value
