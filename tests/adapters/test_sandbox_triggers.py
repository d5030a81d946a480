"""Data entry triggers of the served sandbox: when they fire, what they say, and what may befall them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
from sandbox_clients import control, new_project, post, send
from trigger_receiver import receiving

from sandbox.server import Running


@pytest.fixture
def study(server: Running) -> Iterator[SimpleNamespace]:
    """A longitudinal project whose trigger goes to a receiver."""
    token = new_project(server, longitudinal=True)
    number = post(server, token, "project", format="json").json()["project_id"]
    with receiving() as receiver:
        control(server, f"projects/{number}/trigger", {"url": receiver.url}, method="PUT")
        yield SimpleNamespace(token=token, number=number, receiver=receiver, server=server)
        control(server, "triggers/faults", method="DELETE")
        control(server, "triggers", method="DELETE")


def save(study: SimpleNamespace, **body) -> dict:
    body = {"record": "5", "form": "exam", "event": "month_6_arm_1"} | body
    return control(study.server, f"projects/{study.number}/forms", body)


def outcomes(study: SimpleNamespace, count: int) -> list[dict]:
    """Wait until so many posts of the project are listed."""
    until = time.monotonic() + 10
    while True:
        listed = control(study.server, "triggers", method="GET")["posts"]
        posts = [one for one in listed if one["project_id"] == study.number]
        if len(posts) >= count:
            return posts
        assert time.monotonic() < until


def test_a_saved_form_posts_once_what_redcap_posts_in_its_order(study: SimpleNamespace) -> None:
    save(study, values={"height": "1.5", "exam_complete": "2"})

    body = study.receiver.posts.get(timeout=10)
    base = study.server.redcap_url.removesuffix("api/")
    assert body == [
        ("redcap_url", base),
        ("project_url", f"{base}redcap_v15.2.1/index.php?pid={study.number}"),
        ("project_id", str(study.number)),
        ("username", "site_admin"),
        ("record", "5"),
        ("redcap_event_name", "month_6_arm_1"),
        ("instrument", "exam"),
        ("exam_complete", "2"),
    ]
    assert [one["status"] for one in outcomes(study, 1)] == [200]
    assert study.receiver.posts.empty()


def test_a_repeating_form_says_its_instance_and_instrument(study: SimpleNamespace) -> None:
    save(study, form="call", instance=3, values={"outcome": "1"})

    said = study.receiver.next()
    assert (said["redcap_repeat_instance"], said["redcap_repeat_instrument"]) == ("3", "call")
    assert said["call_complete"] == "0"


def test_a_record_in_an_access_group_says_which(study: SimpleNamespace) -> None:
    groups = [{"data_access_group_name": "Site A", "unique_group_name": ""}]
    send(study.server, study.token, "dag", groups, action="import")
    send(study.server, study.token, "record", [{"record_id": "5", "redcap_data_access_group": "site_a"}])

    save(study, values={"height": "1"})

    assert study.receiver.next()["redcap_data_access_group"] == "site_a"


def test_a_classic_project_names_no_event(server: Running) -> None:
    number = post(server, new_project(server), "project", format="json").json()["project_id"]
    with receiving() as receiver:
        control(server, f"projects/{number}/trigger", {"url": receiver.url}, method="PUT")
        control(server, f"projects/{number}/forms", {"form": "exam", "username": "mary"})

        said = receiver.next()

    assert "redcap_event_name" not in said
    assert (said["username"], said["record"]) == ("mary", "1")


def test_an_edited_cell_fires_and_an_api_import_does_not(study: SimpleNamespace) -> None:
    row = {"record_id": "7", "redcap_event_name": "month_6_arm_1", "height": "2"}
    send(study.server, study.token, "record", [row])
    cell = {"record": "8", "field": "height", "value": "3", "event": "month_6_arm_1", "username": "mary"}
    control(study.server, f"projects/{study.number}/cells", cell)

    said = study.receiver.next()

    assert (said["record"], said["username"]) == ("8", "mary")
    assert len(outcomes(study, 1)) == 1


def test_imports_fire_only_where_that_was_asked_for(study: SimpleNamespace) -> None:
    control(study.server, f"projects/{study.number}/trigger", {"on_imports": True}, method="PUT")
    row = {"record_id": "7", "redcap_event_name": "month_6_arm_1", "height": "2", "exam_complete": "1"}
    send(study.server, study.token, "record", [row])

    said = study.receiver.next()

    assert (said["record"], said["instrument"], said["exam_complete"]) == ("7", "exam", "1")


def test_a_refused_form_fires_nothing_and_saves_nothing(study: SimpleNamespace) -> None:
    body = {"record": "9", "form": "start", "event": "baseline_arm_1", "values": {"born": "yesterday"}}
    refused = requests.post(f"{study.server.control_url}projects/{study.number}/forms", json=body, timeout=9)
    save(study, values={"height": "1"})

    assert refused.status_code == 400
    assert refused.json()["error"].startswith('"9","born","yesterday","Invalid date format.')
    assert study.receiver.next()["record"] == "5"
    assert post(study.server, study.token, "record", format="json", records="9").json() == []


def test_a_trigger_that_is_off_stays_silent(study: SimpleNamespace) -> None:
    control(study.server, f"projects/{study.number}/trigger", {"is_on": False}, method="PUT")
    save(study, record="1")
    control(study.server, f"projects/{study.number}/trigger", {"is_on": True}, method="PUT")
    save(study, record="2")

    assert study.receiver.next()["record"] == "2"


def test_a_form_is_saved_though_nobody_listens(study: SimpleNamespace) -> None:
    control(study.server, f"projects/{study.number}/trigger", {"url": "http://127.0.0.1:9/"}, method="PUT")

    save(study, values={"height": "4"})

    (sent,) = outcomes(study, 1)
    assert (sent["status"], sent["note"]) == (None, "no answer: ConnectionError")
    rows = post(study.server, study.token, "record", format="json", events="month_6_arm_1").json()
    assert rows[0]["height"] == "4"


def test_an_error_of_the_receiver_is_listed_and_not_tried_again(study: SimpleNamespace) -> None:
    study.receiver.status = 500
    save(study)

    assert [one["status"] for one in outcomes(study, 1)] == [500]
    assert study.receiver.posts.qsize() == 1


def test_posts_can_be_dropped_and_duplicated(study: SimpleNamespace) -> None:
    control(study.server, "triggers/faults", {"kind": "drop"})
    control(study.server, "triggers/faults", {"kind": "duplicate"})
    for record in ("1", "2", "3"):
        save(study, record=record)

    arrived = [study.receiver.next()["record"] for _ in range(3)]

    assert arrived == ["2", "2", "3"]
    assert [one["note"] for one in outcomes(study, 4)] == ["dropped", "duplicated", "duplicated", ""]


def test_a_delayed_post_is_overtaken(study: SimpleNamespace) -> None:
    control(study.server, "triggers/faults", {"kind": "delay", "seconds": 0.5})
    for record in ("1", "2"):
        save(study, record=record)

    assert [study.receiver.next()["record"] for _ in range(2)] == ["2", "1"]


def test_a_reordered_post_goes_out_after_the_next(study: SimpleNamespace) -> None:
    control(study.server, "triggers/faults", {"kind": "reorder"})
    for record in ("1", "2", "3"):
        save(study, record=record)

    assert [study.receiver.next()["record"] for _ in range(3)] == ["2", "1", "3"]


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://", "javascript:1", "http://a b/", "http://[/", "x" * 3000]
)
def test_an_address_that_cannot_be_posted_to_is_refused(study: SimpleNamespace, url: str) -> None:
    path = f"{study.server.control_url}projects/{study.number}/trigger"

    response = requests.put(path, json={"url": url}, timeout=9)

    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_a_projects_xml_does_not_carry_the_trigger(study: SimpleNamespace) -> None:
    assert study.receiver.url not in post(study.server, study.token, "project_xml").text


def test_a_receiver_that_hangs_blocks_neither_a_save_nor_the_end() -> None:
    began = time.monotonic()
    with Running() as server:
        number = post(server, new_project(server), "project", format="json").json()["project_id"]
        with receiving() as slow:
            slow.posts.maxsize = 1
            slow.posts.put("full")
            control(server, f"projects/{number}/trigger", {"url": slow.url}, method="PUT")
            saved = [control(server, f"projects/{number}/forms", {"form": "exam"}) for _ in range(3)]
            slow.posts.get()
            slow.posts.maxsize = 0

    assert [one["record"] for one in saved] == ["1", "2", "3"]
    assert time.monotonic() - began < 9
