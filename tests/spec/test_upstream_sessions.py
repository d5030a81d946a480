"""What the scanning lab's dashboard did with sessions, behaviour by behaviour, and mended where it broke."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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

from capstan.errors import StoreError, StudyError, UsageError
from capstan.sessions import BadId
from capstan.sessions.reading import to_kcni
from capstan.store import (
    Awaited,
    RecordState,
    Source,
    Store,
    claim_notices,
    dismiss,
    find_session,
    list_records,
    list_sessions,
    missing_data,
    missing_surveys,
    note_data,
    notice_sent,
    records_named,
    share_record,
)
from capstan.study import Study
from capstan.triggers import Place
from tasks.sessions import load_session, name_session, report_session

LATER = NOW + timedelta(days=1)
PHANTOM = "DTI01_CMH_PHA_ABC0001"
SAID = {"by": "Ann Lee", "reason": "Left early", "now": LATER}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened_store(tmp_path) as opened:
        yield opened


def scanned(store: Store, session_id: str = ID) -> None:
    """Let a session be known from its scans alone."""
    report_session(store, STUDY, session_id=session_id, source=Source.DATA, now=NOW, data_in="archive")


def lacks_survey(store: Store, label: str = ID) -> bool:
    session = find_session(store, "demo", label)
    return session.lacks_survey(expecting_sites=STUDY.sessions.expecting_sites)


# What a form does to its session.


def test_a_valid_id_finds_its_session(store: Store) -> None:
    scanned(store)

    assert load(store).session == ID
    assert len(list_sessions(store, "demo")) == 1


def test_a_valid_id_makes_its_timepoint_and_session_where_they_are_not_there(store: Store) -> None:
    load(store)

    (session,) = list_sessions(store, "demo")
    assert (session.key.name, session.key.number, session.site) == ("DTI01_CMH_H001_01", 1, "CMH")


@pytest.mark.parametrize("text", [f"  {ID} ", ID.lower(), f"\t{ID.title()}\n"])
def test_an_id_that_is_padded_or_in_small_letters_is_accepted(text: str, store: Store) -> None:
    assert load(store, text).session == ID


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DTI01_CMX_H001_01_01", "did you mean CMH?"),
        ("DTI02_CMH_H001_01_01", "did you mean DTI01?"),
        ("H001", "no session id"),
    ],
)
def test_an_undefined_site_study_or_format_is_refused_and_waits_for_a_person(
    text: str, said: str, store: Store
) -> None:
    loaded = load(store, text)

    assert (loaded.outcome, loaded.session) == ("skipped", "")
    assert said in loaded.reason
    assert list_sessions(store, "demo") == ()
    assert states(store) == [("1", "waiting")]


def test_an_id_that_is_mended_in_redcap_is_loaded_then(store: Store) -> None:
    load(store, "H001")

    assert load(store).session == ID
    assert states(store) == [("1", "linked")]


def test_a_study_is_found_by_its_code_or_by_another_of_its_codes(store: Store) -> None:
    assert load(store, "DTI01_CMH_H001_01_01", record="1").site == "CMH"
    assert load(store, "COGBD_CMH_H001_01_01", record="2").site == "CMH"


def test_a_form_without_a_field_that_the_rule_names_is_an_error_that_names_the_field(store: Store) -> None:
    row = {"scan_completed_complete": "2", "par_id": "xsecretx"}

    with pytest.raises(UsageError, match="lacks the fields date, cmts, ra_id") as caught:
        load_session(
            store, STUDY, rule=STUDY.triggers[0], row=row, place=Place("1", "", "scan_completed", ""), now=NOW
        )
    assert "xsecretx" not in str(caught.value)


def test_a_study_that_does_not_say_how_ids_are_written_is_an_error(store: Store) -> None:
    study = Study.model_validate({**STUDY.model_dump(exclude_unset=True), "sessions": None})

    with pytest.raises(StudyError, match="sessions"):
        load(store, study=study)


def test_a_field_that_the_rule_does_not_name_is_not_needed(store: Store) -> None:
    study = make_study(rule={"instrument": "scan_completed", "session_id": "par_id"})

    load(store, study=study, date="", comment="ignored")

    content = record_of(store).content
    assert (content.date, content.comment, content.user) == ("", "", None)


def test_a_record_is_added_to_its_session_with_event_id_and_version(store: Store) -> None:
    load(store, event="visit_1_arm_1", event_id="41", version="13.1.2")

    record = record_of(store)
    assert (record.event, record.event_id, record.version) == ("visit_1_arm_1", "41", "13.1.2")
    assert (record.instrument, record.room) == ("scan_completed", ROOM)


def test_a_record_is_added_where_no_event_ids_are_known(store: Store) -> None:
    load(store)

    assert (record_of(store).event_id, record_of(store).version) == ("", "")


def test_a_form_that_is_sent_again_updates_its_record(store: Store) -> None:
    load(store, comment="first", user="1", event_id="41", version="13.1.2")

    again = load(store, comment="second", user="2", date="2026-11-21", version="15.0.0", now=LATER)

    record = record_of(store)
    assert again.changed
    assert len(list_records(store, "demo")) == 1
    assert (record.content.comment, record.content.user, record.content.date) == ("second", "2", "2026-11-21")
    assert (record.event_id, record.version, record.changed_at) == ("41", "15.0.0", LATER)


def test_a_comment_that_was_cleared_is_cleared(store: Store) -> None:
    load(store, comment="first", user="1")

    load(store, comment="", user="")

    assert (record_of(store).content.comment, record_of(store).content.user) == ("", "")


def test_a_session_of_two_digits_and_of_one_is_the_same(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_1", record="1")

    assert load(store, "DTI01_CMH_H001_01_01", record="2").session == ""
    assert len(list_sessions(store, "demo")) == 1


def test_a_second_session_of_a_timepoint_is_a_session_of_its_own(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_01", record="1")
    load(store, "DTI01_CMH_H001_01_02", record="2")

    assert [one.key.number for one in list_sessions(store, "demo")] == [1, 2]
    assert {one.key.name for one in list_sessions(store, "demo")} == {"DTI01_CMH_H001_01"}


def test_repeating_instances_and_events_of_one_record_each_tell_of_their_session(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_01", instance="1")
    load(store, "DTI01_CMH_H001_01_02", instance="2")
    load(store, "DTI01_CMH_H001_02_01", event="visit_2_arm_1")

    assert [str(one.key) for one in list_sessions(store, "demo")] == [
        "DTI01_CMH_H001_01_01",
        "DTI01_CMH_H001_01_02",
        "DTI01_CMH_H001_02_01",
    ]
    assert len(records_named(store, ROOM, record="1")) == 3


# Records.


def test_a_new_record_can_be_stored_with_its_version(store: Store) -> None:
    assert load(store, version="7.4.2").changed
    assert record_of(store).version == "7.4.2"


def test_a_record_without_an_event_is_stored_once(store: Store) -> None:
    for comment in ("a", "b", "c"):
        load(store, event="", event_id="", comment=comment)

    assert len(list_records(store, "demo")) == 1


def test_two_projects_may_have_records_of_the_same_name(store: Store) -> None:
    elsewhere = STUDY.model_dump(exclude_unset=True)
    elsewhere["redcap"]["project"]["id"] = 15

    load(store)
    load(store, "DTI01_CMH_H002_01_01", study=Study.model_validate(elsewhere))

    assert [one.room.project_id for one in list_records(store, "demo")] == [14, 15]


def test_another_record_for_a_session_that_has_one_waits_and_changes_nothing(store: Store) -> None:
    load(store, record="1", comment="first")

    second = load(store, record="2", comment="second")

    assert second.outcome == "skipped"
    assert "Another record is linked" in second.reason
    assert record_of(store).content.comment == "first"
    assert [one.record for one in list_records(store, "demo", states=[RecordState.WAITING])] == ["2"]


def test_another_date_of_the_same_record_is_no_conflict(store: Store) -> None:
    load(store, date="2026-11-20")

    assert load(store, date="2026-11-21").session == ID
    assert record_of(store).content.date == "2026-11-21"


def test_a_record_for_a_session_that_is_to_have_none_waits(store: Store) -> None:
    scanned(store)
    dismiss(store, key_of(), Awaited.SURVEY, **SAID)

    assert "no survey" in load(store).reason
    assert record_of(store) is None


def test_a_store_that_fails_says_so_and_nothing_looks_as_if_it_had_been_saved(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE session_record")

    with pytest.raises(StoreError):
        load(store)
    assert list_records(store, "demo") == ()


def test_a_record_is_shared_with_the_session_of_an_alternate_id(store: Store) -> None:
    other = make_study("other", sites=[{"site": "CMH", "code": "OTH01"}])
    load(store)
    target, _ = report_session(store, other, session_id="OTH01_CMH_9_01_01", source=Source.DATA, now=NOW)

    share_record(store, key_of(), with_session=target, by="Ann", now=NOW)

    assert record_of(store, str(target), study="other") == record_of(store)


# Sessions, timepoints and studies.


def test_a_session_is_written_with_two_digits(store: Store) -> None:
    load(store, "DTI01_CMH_H001_01_7")

    assert str(list_sessions(store, "demo")[0].key) == "DTI01_CMH_H001_01_07"


def test_scans_are_missing_where_a_record_came_and_neither_scans_nor_a_word_that_none_come(
    store: Store,
) -> None:
    load(store, "DTI01_CMH_H001_01_01", record="1")
    load(store, "DTI01_CMH_H002_01_01", record="2")
    note_data(store, key_of("DTI01_CMH_H002_01_01"), source="archive", now=NOW)
    load(store, "DTI01_CMH_H003_01_01", record="3")
    dismiss(store, key_of("DTI01_CMH_H003_01_01"), Awaited.DATA, **SAID)

    assert [str(one.key) for one in missing_data(store, "demo")] == [ID]
    assert [one.lacks_data for one in list_sessions(store, "demo")] == [True, False, False]


def test_a_session_whose_survey_was_dismissed_lacks_no_scans(store: Store) -> None:
    report_session(store, STUDY, session_id=ID, source=Source.PERSON, now=NOW)
    dismiss(store, key_of(), Awaited.SURVEY, **SAID)

    assert not find_session(store, "demo", ID).lacks_data
    assert missing_data(store, "demo") == ()


def test_missing_scans_are_dismissed_with_who_when_and_why(store: Store) -> None:
    load(store)

    assert dismiss(store, key_of(), Awaited.DATA, **SAID)

    (said,) = find_session(store, "demo", ID).dismissals
    assert (said.kind, said.by, said.reason) == ("data", "Ann Lee", "Left early")
    assert said.at == LATER
    assert said.at.tzinfo is UTC


def test_missing_scans_are_not_dismissed_without_a_reason(store: Store) -> None:
    load(store)

    with pytest.raises(UsageError, match="reason"):
        dismiss(store, key_of(), Awaited.DATA, by="Ann Lee", reason="", now=NOW)


def test_a_timepoint_has_its_names_in_kcni_and_bids(store: Store) -> None:
    named = name_session(STUDY, ID)

    assert to_kcni(named, rules=STUDY.sessions) == "DTI01_CMH_H001_01_SE01_MR"
    assert named.bids_name == "CMHH001"


def test_a_session_is_added_once(store: Store) -> None:
    first = report_session(store, STUDY, session_id=ID, source=Source.PERSON, now=NOW)
    second = report_session(store, STUDY, session_id=ID, source=Source.DATA, now=LATER)

    assert (first, second) == ((key_of(), True), (key_of(), False))
    assert find_session(store, "demo", ID).source == "person"


def test_a_timepoint_is_added_only_at_a_site_of_the_study(store: Store) -> None:
    with pytest.raises(UsageError, match="site code"):
        report_session(store, STUDY, session_id="DTI01_XXX_H001_01_01", source=Source.DATA, now=NOW)
    assert list_sessions(store, "demo") == ()


def test_a_phantom_has_one_session_and_no_more(store: Store) -> None:
    assert load(store, PHANTOM).session == f"{PHANTOM}_01"
    assert isinstance(name_session(STUDY, f"{PHANTOM}_02"), BadId)
    assert "one session" in name_session(STUDY, "DTI01_CMH_PHAX_01_02").reason


def test_a_phantom_expects_no_record_and_misses_no_scans(store: Store) -> None:
    scanned(store, PHANTOM)
    load(store, "DTI01_CMH_PHA_ABC0002", record="2")

    assert not lacks_survey(store, f"{PHANTOM}_01")
    assert missing_data(store, "demo") == ()


def test_a_session_expects_a_record_where_its_site_does(store: Store) -> None:
    scanned(store, "DTI01_CMH_H001_01_01")
    scanned(store, "DTI01_UTO_H001_01_01")

    missing = missing_surveys(store, "demo", sites=STUDY.sessions.expecting_sites)

    assert [one.site for one in missing] == ["CMH"]


def test_a_timepoint_needs_a_survey_as_long_as_one_of_its_sessions_has_none(store: Store) -> None:
    scanned(store, "DTI01_CMH_H001_01_01")
    scanned(store, "DTI01_CMH_H001_01_02")

    load(store, "DTI01_CMH_H001_01_01")

    assert not lacks_survey(store, "DTI01_CMH_H001_01_01")
    assert lacks_survey(store, "DTI01_CMH_H001_01_02")


def test_a_missing_survey_that_is_dismissed_is_not_missing(store: Store) -> None:
    scanned(store)

    assert dismiss(store, key_of(), Awaited.SURVEY, **SAID)

    assert not lacks_survey(store)


def test_a_survey_that_is_here_is_not_dismissed(store: Store) -> None:
    load(store)

    assert dismiss(store, key_of(), Awaited.SURVEY, **SAID) is False
    assert record_of(store) is not None
    assert find_session(store, "demo", ID).dismissals == ()


def told(store: Store, study: Study, *, at: datetime = NOW) -> list[tuple[str, str, int]]:
    """What staff are sent now: to whom, of which cause, and of how many things."""
    claimed = claim_notices(store, ROOM, notify=study.notify, now=at)
    for each in claimed:
        notice_sent(store, each.id, now=at)
    return [(each.notice.address, each.notice.cause.value, each.notice.happenings) for each in claimed]


def test_staff_who_asked_for_it_are_told_of_new_sessions_without_their_ids(store: Store) -> None:
    study = make_study(notify={"staff": {"email": ["qc@example.org"], "on": ["session"]}})
    for _ in range(2):
        load(store, study=study)
    report_session(store, study, session_id="DTI01_CMH_H002_01_01", source=Source.DATA, now=NOW)

    (claimed,) = claim_notices(store, ROOM, notify=study.notify, now=NOW)

    assert claimed.notice.happenings == 2
    assert "site CMH" in claimed.notice.text
    assert "H001" not in claimed.notice.text


def test_staff_are_told_once_of_a_form_that_waits_and_again_when_it_waits_for_something_else(
    store: Store,
) -> None:
    study = make_study(notify={"staff": {"email": ["ra@example.org"]}})
    for comment in ("first", "second"):
        load(store, "nonsense", study=study, comment=comment)

    assert told(store, study) == [("ra@example.org", "waiting", 1)]
    load(store, "DTI01_CMX_H001_01_01", study=study)
    assert told(store, study, at=LATER) == [("ra@example.org", "waiting", 1)]


def test_nobody_is_told_of_what_nobody_asked_for(store: Store) -> None:
    load(store)
    load(store, "nonsense", record="2")

    assert told(store, make_study(notify={"staff": {"email": ["ra@example.org"], "on": ["session"]}})) == []


# The poller that worked without triggers.


def test_an_id_without_a_session_gets_the_first_where_the_study_says_so(store: Store) -> None:
    study = make_study(default_session="01")

    assert load(store, "DTI01_CMH_H001_01", study=study).session == ID
    assert "number" in load(store, "DTI01_CMH_H001_01", record="2").reason


def test_an_id_in_kcnis_form_is_mapped_unless_its_study_is_the_studys_own(store: Store) -> None:
    names = {"studies": {"STU01": "DTI01"}, "sites": {"ABC": "CMH"}, "subjects": ["^0(.*)->H\\1"]}
    study = make_study(kcni=names)

    assert load(store, "STU01_ABC_0001_01_SE01_MR", study=study, record="1").session == ID
    assert load(store, "DTI01_CMH_0001_01_SE01_MR", study=study, record="2").session == "DTI01_CMH_0001_01_01"


@pytest.mark.parametrize("text", ["2026-11-20 14:30", "2026-11-20 14:30:59", " 2026-11-20"])
def test_a_date_ends_at_its_first_space(text: str, store: Store) -> None:
    load(store, date=text)

    assert record_of(store).content.date == "2026-11-20"


def test_a_form_without_its_date_is_not_loaded_before_it_has_one(store: Store) -> None:
    assert load(store, date="").reason == "The form has no date yet."
    assert list_records(store, "demo") == ()


def test_a_date_that_was_cleared_later_is_cleared(store: Store) -> None:
    load(store)

    assert load(store, date="").session == ID
    assert record_of(store).content.date == ""


def test_a_form_without_an_id_is_not_loaded_and_one_that_lost_its_id_waits(store: Store) -> None:
    assert load(store, "  ").reason == "The session id is blank."
    assert list_records(store, "demo") == ()
    load(store)

    assert load(store, "").session == ""
    assert states(store) == [("1", "waiting")]
    assert list_sessions(store, "demo") == ()


@pytest.mark.parametrize(("text", "is_loaded"), [("TEST_CMH_H001_01_01", False), (ID, True)])
def test_ids_that_the_study_ignores_are_passed_over_by_their_beginning(
    text: str, is_loaded: bool, store: Store
) -> None:
    loaded = load(store, text.lower(), study=make_study(ignore="TEST|X"))

    assert bool(loaded.session) is is_loaded
    assert len(list_records(store, "demo")) == is_loaded


def test_an_event_whose_id_is_unknown_keeps_its_comment(store: Store) -> None:
    load(store, event="visit_9_arm_1", event_id="", comment="kept")

    assert record_of(store).content.comment == "kept"


def test_a_bad_id_does_not_keep_the_others_from_being_loaded(store: Store) -> None:
    bad, good = load_all(store, form("1", "nonsense"), form("2", ID))

    assert (bad.session, good.session) == (None, key_of())
    assert states(store) == [("1", "waiting"), ("2", "linked")]
