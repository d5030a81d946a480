"""The sweep: every form of a project that tells of a session is exported and loaded, triggers or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from capstan import store as kept
from capstan.errors import Refused, UsageError
from capstan.progress import working
from capstan.project_names import Project
from capstan.sessions import BadId
from capstan.store import FormPlace, KeptRecord, Loaded, RecordState, SessionForm
from capstan.triggers import Place
from capstan.triggers.content import Contents, Form
from capstan.triggers.routing import Skip, completed
from tasks.connections import LiveProject, folder_of
from tasks.messages.notices import tell_staff
from tasks.messages.queueing import room_of
from tasks.redcap import read_records
from tasks.sessions import asked_causes, read_form, session_rules
from tasks.shield import effect, run_logger

# Others wait while one transaction lasts.
_AT_ONCE = 200
_FEW = 5


@dataclass(frozen=True, repr=False)
class Swept:
    """What an export says of sessions: the completed forms, and where every saved form is."""

    forms: tuple[SessionForm, ...]
    saved: frozenset[tuple[str, str, str, str]]
    instruments: frozenset[str]


@effect("export sessions")
def export_sessions(live: LiveProject, *, records: Collection[str] | None = None) -> Swept:
    """Export every form that tells of a session, or those of some records.

    Raises UsageError where no rule names a session id.
    """
    session_rules(live.study)
    if not any(rule.session_id for rule in live.study.triggers):
        raise UsageError("No rule of triggers in study.yaml has a session_id; add it to the form's rule.")
    contents = Contents(live.study, live.dictionary, live.grid)
    frame = read_records(live, fields=sorted(contents.fields), records=records, blank_for_gray=True)
    saved = list(contents.forms(frame))
    forms = tuple(_read(live, saved))
    run_logger().info("exported %d forms; %d of them are completed", len(saved), len(forms))
    telling = frozenset(rule.instrument for rule in live.study.triggers if rule.session_id)
    return Swept(forms, frozenset(_place(form.place) for form in saved), telling)


@effect("load sessions")
def load_swept(live: LiveProject, swept: Swept, *, clock: Callable[[], datetime]) -> Counter[str]:
    """Load what was exported; returns how many forms are linked, wait, are passed over, changed."""
    counts: Counter[str] = Counter()
    room = room_of(live.study)
    with working("load sessions", len(swept.forms)) as advance:
        for first in range(0, len(swept.forms), _AT_ONCE):
            forms = swept.forms[first : first + _AT_ONCE]
            loaded = kept.load_forms(live.store, room, forms, now=clock(), causes=asked_causes(live.study))
            counts.update(_counts(loaded))
            advance(len(forms))
    run_logger().info("loaded sessions: %s", dict(counts))
    tell_staff(live.store, live.study, folder=folder_of(live.study), now=clock())
    return counts


@effect("follow deleted forms")
def follow_deleted(
    live: LiveProject,
    swept: Swept,
    *,
    since: datetime,
    now: datetime,
    records: Collection[str] | None = None,
) -> int:
    """Forget forms that were loaded before the export, which began at `since`, and are not in it any more.

    `records` are those that were exported, if not all. Raises Refused, and forgets none, where they are too
    many at once: the token may have lost sight of them.
    """
    room = room_of(live.study)
    known = kept.list_records(live.store, room.study, states=set(RecordState) - {RecordState.DELETED})
    gone = [each for each in known if each.room == room and _is_gone(each, swept, since=since)]
    if records is not None:
        gone = [each for each in gone if str(each.record) in records]
    if len(gone) > max(_FEW, int(live.study.writes.limits.share * len(known))):
        raise Refused(
            f"{len(gone)} forms are not to be seen any more, so none was forgotten. Check the rights and the "
            "access group of the token; if they were deleted, reconcile_triggers follows that by the log."
        )
    for each in gone:
        place = FormPlace(str(each.record), each.event, each.instrument, each.instance)
        kept.mark_deleted(live.store, room, record=place.record, place=place, now=now)
    if gone:
        run_logger().info("%d forms were deleted in REDCap", len(gone))
    return len(gone)


def count_readable(swept: Swept) -> Counter[str]:
    """How many of the forms could be loaded, and how many could not, by their ids alone."""
    return Counter("unreadable" if isinstance(form.named, BadId) else "readable" for form in swept.forms)


def _read(live: LiveProject, saved: Iterable[Form]) -> Iterator[SessionForm]:
    """The completed forms, each by the rule that names its session id."""
    project, version = Project(live.dictionary, live.grid), live.structure.version
    event_ids = {event.name: event.id for event in live.grid.events}
    rules = [rule for rule in live.study.triggers if rule.session_id]
    for form in saved:
        own = [rule for rule in rules if rule.instrument == form.place.instrument]
        holding = completed(own, form.row, project=project)
        if not isinstance(holding, Skip):
            where = FormPlace(*_place(form.place), event_ids.get(form.place.event, ""), version)
            yield read_form(live.study, rule=holding[0], row=form.row, place=where)


def _counts(loaded: Sequence[Loaded]) -> Iterator[str]:
    for one in loaded:
        yield one.state.value if one.state else "passed over"
        if one.changed:
            yield "changed"


def _is_gone(form: KeptRecord, swept: Swept, *, since: datetime) -> bool:
    place = (str(form.record), form.event, form.instrument, form.instance)
    return form.instrument in swept.instruments and form.changed_at < since and place not in swept.saved


def _place(place: Place) -> tuple[str, str, str, str]:
    return place.record, place.event, place.instrument, place.instance
