"""What is too much for a server at once goes in halves, each record whole and in order, and so does the rest."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pytest
from scripted_server import PAGE, TOKEN, Reply, ScriptedServer, serving

from capstan.errors import OutcomeUnknown, RedcapError, RedcapUnavailable
from capstan.redcap import Redcap

TOO_LARGE = Reply(PAGE.format("Request Entity Too Large"), 413)
NO_MEMORY = Reply("Allowed memory size of 1024 bytes exhausted", 500)
LATE = Reply("r", hangs=True)
NO_TIME = (1.0, 0.05)
IDS = [str(number) for number in range(1, 9)]


def connected(server: ScriptedServer, **options) -> Redcap:
    return Redcap(server.url, TOKEN, sleep=lambda _: None, **{"timeout_seconds": (5.0, 5.0), **options})


def asked(form: dict[str, str]) -> list[str]:
    """The record ids that an export asks for."""
    single = form.get("records", "")
    return single.split(",") if single else [form[key] for key in form if key.startswith("records[")]


def sent(form: dict[str, str]) -> list[str]:
    """The record ids of the rows of an import."""
    return [row["record_id"] for row in csv.DictReader(io.StringIO(form["data"]))]


def exporting(most: int, *, otherwise: Reply):
    """A server that gives so many records at once, and else another reply."""

    def reply(form: dict[str, str]) -> Reply:
        ids = asked(form)
        return Reply("\n".join(["record_id", *ids, ""])) if len(ids) <= most else otherwise

    return reply


def importing(most: int, *, otherwise: Reply):
    """A server that takes so many rows at once, and else gives another reply."""

    def reply(form: dict[str, str]) -> Reply:
        ids = sent(form)
        return Reply(json.dumps(list(dict.fromkeys(ids)))) if len(ids) <= most else otherwise

    return reply


def rows_of(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"record_id": ids, "a": "1"}, dtype="str")


@pytest.mark.parametrize(("reply", "time"), [(TOO_LARGE, (5, 5)), (NO_MEMORY, (5, 5)), (LATE, NO_TIME)])
def test_an_export_that_is_too_much_comes_in_halves_and_in_order(reply, time):
    with serving(by=exporting(2, otherwise=reply)) as server:
        got = connected(server, timeout_seconds=time).records(records=IDS)

        sizes = [len(asked(form)) for form in server.forms]
    assert got["record_id"].tolist() == IDS
    assert sizes == [8, 4, 2, 2, 2, 2]


def test_later_parts_are_no_larger_than_what_was_answered():
    with serving(by=exporting(2, otherwise=TOO_LARGE)) as server:
        got = connected(server, max_rows=4).records(records=IDS)

        sizes = [len(asked(form)) for form in server.forms]
    assert got["record_id"].tolist() == IDS
    assert sizes == [4, 2, 2, 2, 2]


def test_one_record_that_is_too_much_is_said_and_not_asked_for_for_ever():
    with serving(by=exporting(0, otherwise=NO_MEMORY)) as server:
        with pytest.raises(RedcapError, match="out of memory"):
            connected(server).records(records=IDS)

        assert len(server.forms) == 4


def test_one_record_that_comes_late_is_asked_for_again_like_any_other_read():
    with serving(by=exporting(0, otherwise=LATE)) as server:
        with pytest.raises(RedcapUnavailable, match="no answer in time"):
            connected(server, timeout_seconds=NO_TIME, attempts=2).records(records=IDS[:2])

        assert [len(asked(form)) for form in server.forms] == [2, 1, 1]


def test_an_import_that_is_too_large_goes_in_halves_that_keep_records_whole():
    ids = ["1", "1", "1", "2", "3", "3", "4"]

    with serving(by=importing(3, otherwise=TOO_LARGE)) as server:
        written = connected(server).import_records(rows_of(ids))

        parts = [sent(form) for form in server.forms]
    assert written == ["1", "2", "3", "4"]
    assert parts == [ids, ["1", "1", "1"], ["2", "3", "3"], ["4"]]


def test_one_record_that_is_too_large_to_import_is_said_with_what_to_do():
    with serving(by=importing(0, otherwise=TOO_LARGE)) as server:
        with pytest.raises(RedcapError, match="lower max_bytes or max_rows"):
            connected(server).import_records(rows_of(["1", "1"]))

        assert len(server.forms) == 1


@pytest.mark.parametrize(("reply", "time"), [(NO_MEMORY, (5, 5)), (LATE, NO_TIME)])
def test_an_import_that_may_have_been_done_is_not_sent_again(reply, time):
    with serving(by=importing(0, otherwise=reply)) as server:
        with pytest.raises(OutcomeUnknown, match="read back first"):
            connected(server, timeout_seconds=time).import_records(rows_of(["1", "2"]))

        assert len(server.forms) == 1
