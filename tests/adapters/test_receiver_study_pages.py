"""Pages of studies and calendars at the receiver: who sees them, what browsers may do, and what stays unseen."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import icalendar
import pytest
from served_receiver import Served, serving_receiver
from test_receiver_staff import ANN, signed_in

from capstan.reports.calendar import render_calendar
from capstan.study import Study, read_study
from checks.overview.visits_due import SITE, WHOLE, SiteCalendar
from receiver.pages import own_path
from tasks.calendar_addresses import calendar_file, calendar_path, listing_of
from tasks.page_folders import calendars_of, docs_of, named_runs_of, pages_of, runs_of

RUN = "20261122-101530-abc123"
POLICY = "default-src 'none'; style-src 'sha256-abc='; script-src 'sha256-def='; img-src data:"
PAGE = f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
SITE_CALENDAR = SiteCalendar(SITE, "../<script>")
CALENDARS = (SiteCalendar(WHOLE), SITE_CALENDAR)


class Paged(NamedTuple):
    """A receiver, the home in which it finds pages, and its study."""

    served: Served
    home: Path
    study: Study

    def path(self, calendar: SiteCalendar, **changes: object) -> str:
        page = self.study.page.model_copy(
            update={"calendars": self.study.page.calendars.model_copy(update=changes)}
        )
        study = self.study.model_copy(update={"page": page})
        return calendar_path(calendar, study=study, keys=self.served.store.keys)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paged]:
    folder = tmp_path_factory.mktemp("pages")
    home = folder / "home"
    with serving_receiver(folder, smtp="127.0.0.1:9", more="page: {calendars: {generation: 2}}\n") as served:
        for study in ("demo", "other"):
            write(pages_of(home, study) / "index.html", f"{PAGE}<p>page of {study}".encode())
        write(runs_of(home, "demo") / f"{RUN}.html", f"{PAGE}<p>the run".encode())
        write(named_runs_of(home, "demo") / f"{RUN}.html", b"names records")
        write(docs_of(home, "demo") / "index.html", b"<p>Data Docs</p><script>alert(1)</script>")
        write(docs_of(home, "demo") / "validations" / "one.html", b"<p>one validation")
        (docs_of(home, "demo") / "link.html").symlink_to(home / "store.sqlite")
        write_calendars(served, home)
        yield Paged(served, home, read_study(folder / "studies" / "demo"))


def write_calendars(served: Served, home: Path) -> None:
    folder = calendars_of(home, "demo")
    for calendar in CALENDARS:
        content = render_calendar(calendar.title, [])
        write(folder / calendar_file(calendar, keys=served.store.keys), content)
    name, listing = listing_of(CALENDARS)
    write(folder / name, listing)


def get(paged: Paged, path: str, person: str = ANN) -> tuple[int, str]:
    answer = paged.served.get(path, cookies=signed_in(paged.served, person))
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/studies/demo/", "page of demo"),
        ("/studies/demo/index.html", "page of demo"),
        (f"/studies/demo/runs/{RUN}", "the run"),
        (f"/studies/demo/runs/{RUN}.html", "the run"),
        ("/studies/demo/data-docs/", "Data Docs"),
        ("/studies/demo/data-docs/validations/one.html", "one validation"),
    ],
)
def test_staff_see_the_pages_of_their_study(paged: Paged, path: str, shown: str) -> None:
    status, text = get(paged, path)

    assert status == 200
    assert shown in text


def test_the_way_into_a_study_and_the_list_of_ones_own(paged: Paged) -> None:
    cookies = signed_in(paged.served)
    entered = paged.served.get("/studies/demo", cookies=cookies)
    listed = paged.served.get("/studies", cookies=cookies)

    assert (entered.status_code, entered.headers["location"]) == (303, "/studies/demo/")
    assert 'href="/studies/demo/"' in listed.text
    assert "other" not in listed.text


@pytest.mark.parametrize(
    "path", ["/studies/demo/", f"/studies/demo/runs/{RUN}", "/studies/demo/data-docs/", "/studies"]
)
def test_nobody_sees_a_page_without_signing_in(paged: Paged, path: str) -> None:
    answer = paged.served.get(path)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert answer.text == ""


@pytest.mark.parametrize("path", ["/studies/demo/", f"/studies/demo/runs/{RUN}", "/studies"])
def test_who_signs_in_comes_back_to_the_page(paged: Paged, path: str) -> None:
    assert paged.served.get(path).headers["location"] == f"/sign-in?next={path}"
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "/studies/Demo/",
        "/studies/../x",
        "/studies/demo/runs/..",
        "/studies//evil.org/",
        "/studies/demo/runs/a/b",
    ],
)
def test_no_other_path_is_come_back_to(path: str) -> None:
    assert own_path(path) == ""


@pytest.mark.parametrize("person", ["eve@example.org", "nobody"])
def test_a_study_of_others_looks_like_none(paged: Paged, person: str) -> None:
    theirs, none = (get(paged, f"/studies/{study}/", person) for study in ("demo", "never"))

    assert theirs == none
    assert theirs[0] == 404
    assert get(paged, "/studies/other/") == get(paged, "/studies/never/")


@pytest.mark.parametrize(
    "name",
    [
        "runs/nothing",
        f"runs/..%2fruns-with-records%2f{RUN}",
        f"runs/../runs-with-records/{RUN}",
        f"runs-with-records/{RUN}.html",
        "runs/..%2findex",
        "data-docs/link.html",
        "data-docs/../../../store.key",
        "data-docs/%2e%2e%2f%2e%2e%2f%2e%2e%2fstore.key",
        "data-docs//etc/passwd",
        "data-docs/validations%00.html",
        "calendars/calendars.json",
    ],
)
def test_nothing_is_shown_but_what_stands_in_the_folder(paged: Paged, name: str) -> None:
    status, text = get(paged, f"/studies/demo/{name}")

    assert status == 404
    assert "names records" not in text


def test_a_page_that_nobody_made_yet_is_told_of_to_staff(paged: Paged) -> None:
    status, text = get(paged, "/studies/demo/runs/20200101-000000-abcdef")

    assert status == 404
    assert "CAPSTAN_HOME" in text


def test_a_browser_may_load_and_run_what_the_page_says_of_itself_and_no_more(paged: Paged) -> None:
    cookies = signed_in(paged.served)
    page = paged.served.get("/studies/demo/", cookies=cookies).headers
    docs = paged.served.get("/studies/demo/data-docs/", cookies=cookies).headers

    assert page["content-security-policy"].startswith(POLICY)
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert "script" not in docs["content-security-policy"]
    assert docs["content-security-policy"].startswith("default-src 'none'")
    assert page["cache-control"] == docs["cache-control"] == "no-store"


def test_a_calendar_is_read_by_its_address_alone(paged: Paged) -> None:
    answer = paged.served.get(paged.path(SITE_CALENDAR))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert icalendar.Calendar.from_ical(answer.content)["X-WR-CALNAME"] == SITE_CALENDAR.title


def test_a_calendar_that_a_program_has_is_not_sent_again(paged: Paged) -> None:
    path = paged.path(SiteCalendar(WHOLE))
    tag = paged.served.get(path).headers["etag"]
    answers = [
        paged.served.get(path, headers={"If-None-Match": told})
        for told in (tag, f"W/{tag}", f'"other", {tag}', "*", '"other"')
    ]

    assert [answer.status_code for answer in answers] == [304, 304, 304, 304, 200]
    assert answers[0].content == b""
    assert answers[0].headers["etag"] == tag


def test_other_addresses_are_no_calendar(paged: Paged) -> None:
    former = paged.path(SITE_CALENDAR, generation=1)
    strange = paged.path(SiteCalendar(SITE, "unlisted"))
    word = paged.path(SITE_CALENDAR)
    others = [former, strange, word[:-5] + ".ics", word.replace("demo", "other"), "/calendars/demo/é.ics"]

    assert {paged.served.get(path).status_code for path in others} == {404}


def test_each_calendar_has_an_address_that_tells_nothing(paged: Paged) -> None:
    paths = {paged.path(calendar) for calendar in CALENDARS}

    assert len(paths) == 2
    assert all(re.fullmatch(r"/calendars/demo/[0-9a-f]{48}\.ics", path) for path in paths)


def test_the_log_has_neither_address_nor_page(paged: Paged, caplog: pytest.LogCaptureFixture) -> None:
    path = paged.path(SITE_CALENDAR)
    with caplog.at_level(logging.INFO, "receiver"):
        paged.served.get(path)
        get(paged, f"/studies/demo/runs/{RUN}")
        get(paged, "/studies/demo/")
        paged.served.get("/health")  # a line is written after its answer

    assert {"give_calendar", "show_run", "show_study"} <= set(re.findall(r"[a-z]+_[a-z]+", caplog.text))
    assert path.split("/")[3][:48] not in caplog.text
    assert RUN not in caplog.text


def test_a_study_that_wants_no_calendars_has_none(tmp_path: Path) -> None:
    with serving_receiver(tmp_path, smtp="127.0.0.1:9") as served:
        write_calendars(served, tmp_path / "home")
        wanting = read_study(tmp_path / "studies" / "demo").model_copy(
            update={"page": Study.model_fields["page"].default.model_validate({"calendars": {}})}
        )
        path = calendar_path(SITE_CALENDAR, study=wanting, keys=served.store.keys)
        answer = served.get(path)

    assert answer.status_code == 404
