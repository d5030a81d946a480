"""Sessions in the store, on SQLite and on PostgreSQL: linked once, in conflict, decided, shared, followed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from session_cases import (
    ID,
    NOW,
    ROOM,
    STUDY,
    form,
    key_of,
    load,
    load_all,
    make_study,
    opened_store,
    record_of,
    states,
)

from capstan.errors import Refused, UsageError
from capstan.store import (
    Awaited,
    RecordState,
    SessionKey,
    Source,
    Store,
    dismiss,
    find_session,
    follow_rename,
    lift_dismissal,
    list_records,
    list_sessions,
    mark_deleted,
    missing_data,
    missing_surveys,
    note_data,
    settle_record,
    share_record,
)
from tasks.sessions import report_session

LATER = NOW + timedelta(hours=1)
OTHER = "DTI01_CMH_H002_01_01"
SAID = {"by": "Ann Lee", "reason": "Scanner broke", "now": LATER}
SURVEY, DATA = Awaited.SURVEY, Awaited.DATA


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with opened_store(tmp_path, url) as opened:
        yield opened


def names(store: Store) -> list[str]:
    return [str(one.key) for one in list_sessions(store, "demo")]


def test_a_form_makes_its_timepoint_and_session_and_is_linked(store: Store) -> None:
    loaded = load(
        store, comment="all well", user="17", event="visit_1_arm_1", event_id="41", version="15.2.1"
    )

    assert (loaded.outcome, loaded.reason, loaded.session, loaded.site) == ("loaded", "", ID, "CMH")
    (session,) = list_sessions(store, "demo")
    assert (session.key, session.site, session.source) == (("demo", "DTI01_CMH_H001_01", 1), "CMH", "redcap")
    record = session.record
    assert record is not None
    assert record.content is not None
    assert (record.record, record.content.comment, record.content.user) == ("1", "all well", "17")
    assert (record.content.date, record.content.session_id) == ("2026-11-20", ID)
    assert (record.event, record.event_id, record.version) == ("visit_1_arm_1", "41", "15.2.1")
    assert "all well" not in repr(session)


def test_the_same_form_again_changes_nothing(store: Store) -> None:
    load(store, comment="all well")
    before = list_sessions(store, "demo"), list_records(store, "demo")

    again = load(store, comment="all well", now=LATER)

    assert (again.outcome, again.session, again.changed) == ("loaded", ID, False)
    assert (list_sessions(store, "demo"), list_records(store, "demo")) == before


def test_what_a_form_says_is_sealed_on_disk(tmp_path: Path) -> None:
    with opened_store(tmp_path) as store:
        load(store, comment="xcommentx", record="xrecordx", user="xuserx", date="1999-12-31")
        on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert not [text for text in (b"xcommentx", b"xrecordx", b"xuserx", b"1999-12-31") if text in on_disk]


def test_a_form_that_names_another_session_now_leaves_the_first_which_goes_if_it_was_a_mistake(
    store: Store,
) -> None:
    load(store)

    load(store, OTHER, now=LATER)

    assert names(store) == [OTHER]
    assert states(store) == [("1", "linked")]


@pytest.mark.parametrize("spoken_of_by", ["data", "person", "dismissal"])
def test_a_session_of_which_somebody_else_spoke_stays_without_its_record(
    spoken_of_by: str, store: Store
) -> None:
    if spoken_of_by == "person":
        report_session(store, STUDY, session_id=ID, source=Source.PERSON, now=NOW)
    load(store)
    if spoken_of_by == "data":
        note_data(store, key_of(), source="archive", now=NOW)
    if spoken_of_by == "dismissal":
        dismiss(store, key_of(), DATA, **SAID)

    load(store, OTHER, now=LATER)

    assert names(store) == [ID, OTHER]
    assert record_of(store) is None


def test_the_record_that_waited_for_a_session_is_linked_once_the_other_lets_go(store: Store) -> None:
    load(store, record="1")
    load(store, record="2")

    load(store, OTHER, record="1", now=LATER)

    assert states(store) == [("1", "linked"), ("2", "linked")]
    assert record_of(store).record == "2"
    assert record_of(store).reason == ""


def test_of_several_that_wait_none_is_chosen(store: Store) -> None:
    for record in ("1", "2", "3"):
        load(store, record=record)

    mark_deleted(store, ROOM, record="1", now=LATER)

    assert record_of(store) is None
    assert states(store)[1:] == [("2", "waiting"), ("3", "waiting")]


def test_two_records_that_claim_a_session_in_one_batch_are_a_conflict(store: Store) -> None:
    first, second = load_all(store, form("1"), form("2"))

    assert (first.session, second.session) == (key_of(), None)
    assert "another record" in second.reason.lower()
    assert states(store) == [("1", "linked"), ("2", "waiting")]


def test_a_person_takes_the_record_that_waited_in_the_place_of_the_other(store: Store) -> None:
    load(store, record="1")
    load(store, record="2")
    number = list_records(store, "demo", states=[RecordState.WAITING])[0].id

    settle_record(store, "demo", number=number, take=True, **SAID)

    assert record_of(store).record == "2"
    aside = list_records(store, "demo", states=[RecordState.SET_ASIDE])[0]
    assert (aside.record, aside.by, aside.reason) == ("1", "Ann Lee", "Scanner broke")
    assert load(store, record="1", comment="again").outcome == "skipped"
    assert record_of(store).record == "2"


def test_a_record_is_taken_for_a_session_that_shared_another_which_keeps_its_own_session(
    store: Store,
) -> None:
    load(store, record="1")
    target, _ = report_session(store, STUDY, session_id=OTHER, source=Source.PERSON, now=NOW)
    share_record(store, key_of(), with_session=target, by="Ann", now=NOW)
    load(store, OTHER, record="2")
    number = list_records(store, "demo", states=[RecordState.WAITING])[0].id

    settle_record(store, "demo", number=number, take=True, **SAID)

    assert states(store) == [("1", "linked"), ("2", "linked")]
    assert (record_of(store).record, record_of(store, OTHER).record) == ("1", "2")
    assert not find_session(store, "demo", OTHER).is_shared


def test_a_record_that_was_set_aside_stays_so_until_it_names_another_session(store: Store) -> None:
    load(store, record="1")
    load(store, record="2")
    number = list_records(store, "demo", states=[RecordState.WAITING])[0].id
    settle_record(store, "demo", number=number, take=False, **SAID)

    assert load(store, record="2", comment="new").session == ""
    assert states(store) == [("1", "linked"), ("2", "set aside")]
    assert load(store, OTHER, record="2").session == OTHER


def test_a_record_that_was_set_aside_for_one_that_is_deleted_then_can_still_be_taken(store: Store) -> None:
    load(store, record="1")
    load(store, record="2")
    first, second = (one.id for one in list_records(store, "demo"))
    settle_record(store, "demo", number=second, take=True, **SAID)
    mark_deleted(store, ROOM, record="2", now=LATER)

    settle_record(store, "demo", number=first, take=True, **SAID)

    assert record_of(store).record == "1"


def test_an_unreadable_id_waits_and_can_be_set_aside_but_not_taken(store: Store) -> None:
    load(store, "nonsense")
    number = list_records(store, "demo")[0].id

    with pytest.raises(Refused, match="names no session"):
        settle_record(store, "demo", number=number, take=True, **SAID)
    settle_record(store, "demo", number=number, take=False, **SAID)

    assert load(store, "nonsense", comment="new").reason == "Scanner broke"
    assert load(store, "other nonsense").outcome == "skipped"
    assert states(store) == [("1", "waiting")]


def test_a_record_that_is_linked_needs_no_decision(store: Store) -> None:
    load(store)
    number = list_records(store, "demo")[0].id

    with pytest.raises(Refused, match="does not wait"):
        settle_record(store, "demo", number=number, take=True, **SAID)


def test_a_record_of_another_study_cannot_be_settled(store: Store) -> None:
    load(store, "nonsense")
    number = list_records(store, "demo")[0].id

    with pytest.raises(UsageError, match="no record"):
        settle_record(store, "other", number=number, take=False, **SAID)


def test_a_survey_that_was_said_not_to_come_waits_when_it_comes(store: Store) -> None:
    report_session(store, STUDY, session_id=ID, source=Source.DATA, now=NOW)
    dismiss(store, key_of(), SURVEY, **SAID)

    late = load(store, now=LATER)

    assert (late.outcome, late.session) == ("skipped", "")
    assert "no survey" in late.reason
    assert states(store) == [("1", "waiting")]


def test_taking_the_late_survey_lifts_what_was_said(store: Store) -> None:
    report_session(store, STUDY, session_id=ID, source=Source.DATA, now=NOW)
    dismiss(store, key_of(), SURVEY, **SAID)
    load(store)

    settle_record(store, "demo", number=list_records(store, "demo")[0].id, take=True, **SAID)

    session = find_session(store, "demo", ID)
    assert session.dismissals == ()
    assert session.record.record == "1"


def test_taking_back_a_dismissal_links_the_survey_that_waited(store: Store) -> None:
    report_session(store, STUDY, session_id=ID, source=Source.DATA, now=NOW)
    dismiss(store, key_of(), SURVEY, **SAID)
    load(store)

    lifted = [lift_dismissal(store, key_of(), SURVEY, by="Bo", now=LATER) for _ in range(2)]

    assert lifted == [True, False]
    assert states(store) == [("1", "linked")]


def test_a_dismissal_keeps_who_when_and_why_and_may_be_said_again_after_it_was_lifted(store: Store) -> None:
    load(store)

    said = dismiss(store, key_of(), DATA, **SAID)
    again = dismiss(store, key_of(), DATA, **{**SAID, "by": "Bo"})

    assert (said, again) == (True, False)
    assert find_session(store, "demo", ID).dismissals == ((DATA, "Ann Lee", "Scanner broke", LATER),)
    lift_dismissal(store, key_of(), DATA, by="Bo", now=LATER)
    assert dismiss(store, key_of(), DATA, **SAID)


def test_what_is_here_cannot_be_said_not_to_come(store: Store) -> None:
    load(store)
    note_data(store, key_of(), source="archive", now=NOW)

    assert [dismiss(store, key_of(), kind, **SAID) for kind in Awaited] == [False, False]


@pytest.mark.parametrize("missing", ["by", "reason"])
def test_nobody_decides_without_a_name_and_a_reason(missing: str, store: Store) -> None:
    load(store)

    with pytest.raises(UsageError, match="a name and a reason"):
        dismiss(store, key_of(), DATA, **{**SAID, missing: " "})


def test_a_session_that_there_is_not_cannot_be_dismissed(store: Store) -> None:
    with pytest.raises(UsageError, match="no such session"):
        dismiss(store, SessionKey("demo", "DTI01_CMH_H009_01", 1), DATA, **SAID)


def test_two_studies_share_a_record_and_see_it_change(store: Store) -> None:
    other = make_study("other")
    load(store, comment="first")
    target, _ = report_session(store, other, session_id=OTHER, source=Source.PERSON, now=NOW)

    shared = [share_record(store, key_of(), with_session=target, by="Ann", now=LATER) for _ in range(2)]
    load(store, comment="second")

    assert shared == [True, False]
    assert record_of(store, OTHER, study="other").content.comment == "second"
    assert find_session(store, "other", OTHER).is_shared
    assert not find_session(store, "demo", ID).is_shared


def test_a_record_is_not_shared_with_a_session_that_has_one_or_is_to_have_none(store: Store) -> None:
    load(store)
    load(store, OTHER, record="2")
    third, _ = report_session(store, STUDY, session_id="DTI01_CMH_H003_01_01", source=Source.DATA, now=NOW)
    dismiss(store, third, SURVEY, **SAID)

    with pytest.raises(Refused, match="of its own"):
        share_record(store, key_of(), with_session=key_of(OTHER), by="Ann", now=LATER)
    with pytest.raises(Refused, match="no survey"):
        share_record(store, key_of(), with_session=third, by="Ann", now=LATER)
    with pytest.raises(Refused, match="has no record"):
        share_record(store, third, with_session=key_of(), by="Ann", now=LATER)


def test_a_session_that_shared_a_record_gets_it_as_its_own_once_the_record_names_it(store: Store) -> None:
    load(store)
    target, _ = report_session(store, STUDY, session_id=OTHER, source=Source.PERSON, now=NOW)
    share_record(store, key_of(), with_session=target, by="Ann", now=LATER)

    load(store, OTHER, now=LATER)

    session = find_session(store, "demo", OTHER)
    assert (session.record.record, session.is_shared) == ("1", False)
    assert names(store) == [OTHER]


def test_a_deleted_record_is_forgotten_and_another_may_claim_the_session(store: Store) -> None:
    load(store, comment="xcommentx")
    note_data(store, key_of(), source="archive", now=NOW)

    counts = [mark_deleted(store, ROOM, record="1", now=LATER) for _ in range(2)]

    assert counts == [1, 0]
    (gone,) = list_records(store, "demo")
    assert (gone.state, gone.record, gone.content) == ("deleted", None, None)
    assert record_of(store) is None
    assert load(store, record="9").session == ID


def test_one_form_of_a_record_is_deleted_and_the_others_stay(store: Store) -> None:
    load(store, instance="1")
    load(store, OTHER, instance="2")
    place = form().place

    mark_deleted(store, ROOM, record="1", now=LATER, place=type(place)("1", "", "scan_completed", "2"))

    assert names(store) == [ID]


def test_a_record_that_comes_back_is_linked_again(store: Store) -> None:
    load(store)
    mark_deleted(store, ROOM, record="1", now=LATER)

    assert load(store, now=LATER).session == ID
    assert states(store) == [("1", "linked")]


def test_a_deleted_record_takes_itself_from_the_sessions_that_shared_it(store: Store) -> None:
    load(store)
    target, _ = report_session(store, STUDY, session_id=OTHER, source=Source.PERSON, now=NOW)
    share_record(store, key_of(), with_session=target, by="Ann", now=LATER)

    mark_deleted(store, ROOM, record="1", now=LATER)

    assert names(store) == [OTHER]
    assert record_of(store, OTHER) is None


def test_a_renamed_record_goes_on_under_its_new_name(store: Store) -> None:
    load(store, comment="kept")

    assert follow_rename(store, ROOM, old="1", new="A-1", now=LATER) == 1

    assert record_of(store).record == "A-1"
    assert load(store, record="A-1", comment="kept").changed is False
    assert follow_rename(store, ROOM, old="1", new="A-1", now=LATER) == 0


def test_a_record_that_gets_the_name_of_a_deleted_one_keeps_its_session(store: Store) -> None:
    load(store, OTHER, record="2")
    mark_deleted(store, ROOM, record="2", now=NOW)
    load(store, comment="kept")

    follow_rename(store, ROOM, old="1", new="2", now=LATER)

    assert states(store) == [("2", "linked")]
    assert record_of(store).content.comment == "kept"


def test_a_record_that_was_loaded_under_its_new_name_before_the_rename_is_known_is_one_record(
    store: Store,
) -> None:
    load(store, comment="old")
    target, _ = report_session(store, STUDY, session_id=OTHER, source=Source.PERSON, now=NOW)
    share_record(store, key_of(), with_session=target, by="Ann", now=LATER)
    load(store, record="A-1", comment="new")

    follow_rename(store, ROOM, old="1", new="A-1", now=LATER)

    assert states(store) == [("A-1", "linked")]
    assert record_of(store).content.comment == "new"
    assert record_of(store, OTHER).record == "A-1"


def test_workers_that_load_the_same_at_once_double_nothing(store: Store) -> None:
    def once(number: int) -> str:
        return load(store, record=str(number % 2)).session

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(once, range(16)))

    assert set(found) == {ID, ""}
    assert sorted(state for _, state in states(store)) == ["linked", "waiting"]
    assert names(store) == [ID]


def test_workers_that_exchange_the_sessions_of_two_records_do_not_lock_each_other_out(store: Store) -> None:
    load(store, ID, record="1")
    load(store, OTHER, record="2")

    def exchange(number: int) -> None:
        record, session_id = ("1", OTHER) if number % 2 else ("2", ID)
        load(store, session_id, record=record, now=LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(exchange, range(16)))

    assert states(store) == [("1", "linked"), ("2", "linked")]
    assert record_of(store, OTHER).record == "1"


def test_what_is_missing_is_told_by_the_same_rule_for_a_session_and_for_a_study(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_01", record="1")
    load(store, "DTI01_CMH_H002_01_01", record="2")
    note_data(store, key_of("DTI01_CMH_H002_01_01"), source="archive", now=NOW)
    load(store, "DTI01_CMH_H003_01_01", record="3")
    dismiss(store, key_of("DTI01_CMH_H003_01_01"), DATA, **SAID)
    load(store, "DTI01_CMH_PHA_ABC0001", record="4")
    for text in ("DTI01_CMH_H005_01_01", "DTI01_UTO_H006_01_01", "DTI01_CMH_H007_01_01"):
        report_session(store, STUDY, session_id=text, source=Source.DATA, now=NOW)
    dismiss(store, key_of("DTI01_CMH_H007_01_01"), SURVEY, **SAID)

    data = missing_data(store, "demo")
    surveys = missing_surveys(store, "demo", sites=STUDY.sessions.expecting_sites)

    assert [str(one.key) for one in data] == ["DTI01_CMH_H001_01_01"]
    assert [str(one.key) for one in surveys] == ["DTI01_CMH_H005_01_01"]


def test_a_session_is_found_by_its_name_and_two_digits(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_2")

    assert find_session(store, "demo", "DTI01_CMH_H001_01_02").key.number == 2
    assert find_session(store, "demo", "DTI01_CMH_H001_01") is None
    assert find_session(store, "demo", "nonsense") is None
    assert find_session(store, "other", "DTI01_CMH_H001_01_02") is None
