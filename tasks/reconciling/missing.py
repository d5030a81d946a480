"""Missing items: forms whose content was not worked, put into the inbox as if REDCap had told of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from capstan.redcap.address import api_address
from capstan.store import Arrival, keep_items
from capstan.store.coverage import MADE_BY, REDCAP
from capstan.store.seen_places import content_mark, place_mark, seen_places, waiting_places
from capstan.triggers.content import Form, made_trigger
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.doorbell import ring
from tasks.hosts import is_rehearsal
from tasks.reconciling.marks import record_marks
from tasks.redcap import read_records
from tasks.seen_places import contents_of, project_of
from tasks.shield import effect, run_logger

_AT_ONCE = 200


@effect("export changed forms")
def export_forms(live: LiveProject, *, records: Collection[str]) -> tuple[Form, ...]:
    """The forms that rules name, of some records, as they are now."""
    contents = contents_of(live)
    if not contents.instruments:
        return ()
    fields = sorted(contents.fields)
    export = read_records(live, fields=fields, records=records, blank_for_gray=True)
    crash_point("exported")
    return tuple(contents.forms(export))


@effect("find missing items")
def find_missing(live: LiveProject, forms: Sequence[Form]) -> tuple[Form, ...]:
    """The forms that a rule works, that changed since they were worked, and of which no item waits.

    It does not matter who changed them, nor how: what is compared is content. So a run's own write is worked
    once, and never again.
    """
    project, contents = project_of(live), contents_of(live)
    marks = record_marks(live, (form.place.record for form in forms))
    worked = {
        each.place_mark: each.content_mark for each in seen_places(live.store, project, record_marks=marks)
    }
    waiting = waiting_places(live.store, project.study)
    found = []
    for form in forms:
        mark = place_mark(live.store, project, place=form.place)
        is_worked = worked.get(mark) == content_mark(live.store, form.content)
        if not is_worked and mark not in waiting and contents.is_wanted(form):
            found.append(form)
    run_logger().info("%d of %d forms were not worked as they are now", len(found), len(forms))
    return tuple(found)


@effect("make missing items")
def make_items(live: LiveProject, forms: Sequence[Form], *, now: datetime) -> int:
    """Make items for what REDCap sent no trigger for; returns how many."""
    if not forms:
        return 0
    study = live.study
    base_url = api_address(study.redcap.url).removesuffix("api/")
    version, number = live.redcap.version(), study.redcap.project.id
    told = [made_trigger(form, base_url=base_url, version=version, project_id=number) for form in forms]
    arrivals = [Arrival(study.study, REDCAP, fields, MADE_BY) for fields in told]
    # In parts, because all other writers wait for each.
    parts = (arrivals[first : first + _AT_ONCE] for first in range(0, len(arrivals), _AT_ONCE))
    count = sum(keep_items(live.store, part, now=now) for part in parts)
    if not is_rehearsal():
        ring(study.study)
    return count
