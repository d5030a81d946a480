"""content=record, action=randomize (B.1)."""

from __future__ import annotations

from sandbox.data.drafts import Draft, load_draft, write
from sandbox.errors import NO_METHOD, ApiError
from sandbox.methods.asked import asked_record
from sandbox.project.parts import RowKey
from sandbox.render import Answer, Cell, table, to_json
from sandbox.session import Session
from sandbox.setup.randomization import GROUP, Randomization, Source, find_randomization

SINCE = (14, 7)
CONCEALED = "*"
# None of these texts was recorded (J.1).
ALREADY = 'The record "{record}" has already been randomized'
NO_STRATUM = 'The record "{record}" cannot be randomized because it has no value for: {names}'
NO_PLACE = 'The record "{record}" cannot be randomized because its part of the allocation table is used up'


def randomize(session: Session) -> Answer:
    """Randomize a record: it gets the next place of its stratum, and the target field that value."""
    if session.version < SINCE:
        raise ApiError(NO_METHOD, 501)
    record = asked_record(session)
    randomization = find_randomization(session.project, session.call.text("randomization_id").strip())
    allocations = session.store.allocations
    if record in allocations.records(session.project_id, randomization.number):
        raise ApiError(ALREADY.format(record=record))
    draft = load_draft(session.store, session.project_id, records=[record])
    stratum = _stratum(session, randomization, record=record, draft=draft)
    place = allocations.take(session.project_id, randomization.number, stratum=stratum, record=record)
    if place is None:
        raise ApiError(NO_PLACE.format(record=record))
    _write(session, randomization, record=record, value=place.target, draft=draft)
    alternative = CONCEALED if randomization.is_concealed(session.project) else place.alternative
    return _answer(session, [str(randomization.number), record, place.target], alternative=alternative)


def _key(record: str, source: Source) -> RowKey:
    return RowKey(record, source.event_id, "", 0)


def _stratum(session: Session, randomization: Randomization, *, record: str, draft: Draft) -> dict[str, str]:
    """Return what decides the part of the table; raises `ApiError` where the record lacks it."""
    found = {one.field: draft.value(_key(record, one), one.field) for one in randomization.strata}
    if randomization.by_group:
        group_id = session.store.groups.by_record(session.project_id).get(record)
        found[GROUP] = session.group_name(group_id)
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ApiError(NO_STRATUM.format(record=record, names=", ".join(missing)))
    return found


def _write(session: Session, randomization: Randomization, *, record: str, value: str, draft: Draft) -> None:
    project, target = session.project, randomization.target
    key = _key(record, target)
    draft.want(key, {project.id_field: record, target.field: value})
    draft.start_forms(key, [project.field_by_name[target.field].form_name])
    write(session, draft)
    details = f"Randomize record (randomization_id = {randomization.number})"
    session.log("record_edit", f"Randomize record (API) {record}", details=details, record=record)


def _answer(session: Session, row: list[Cell], *, alternative: str) -> Answer:
    """Answer one object, in json no list."""
    names = ["randomization_id", "record", "target_field"]
    if session.call.flag("returnAlt"):
        names, row = [*names, "target_field_alt"], [*row, alternative]
    if session.call.answer_format == "json":
        return Answer(to_json(dict(zip(names, row, strict=True))), "json")
    return table(names, [row], fmt=session.call.answer_format, root="randomizations")
