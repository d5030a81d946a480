"""How records are randomized (protocol section B.1)."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
import requests
from sandbox_recordings import create, recording
from sandbox_studies import Study, new_study

from sandbox.server import Running
from sandbox.setup.randomization import randomized_records
from sandbox.storage import Store
from sandbox.storage.randomization import Allocation

OPEN = "group,redcap_randomization_number\nA,R-1\nB,R-2\nA,R-3\n"
STRATIFIED = "group,sex\nA,1\nB,2\nB,1\nA,2\n"
CONCEALED = "redcap_randomization_number,redcap_randomization_group,number\nR-1,A,\nR-2,B,\n"


def study_with(server: Running, table: str, rows: list[dict[str, str]] | None = None) -> Study:
    study = new_study(server)
    study.send("record", rows or [{"record_id": str(number)} for number in range(1, 5)])
    study.control("allocations", {"csv": table})
    return study


def randomize(study: Study, record: str, **fields: str) -> dict[str, str]:
    given = {"action": "randomize", "record": record, "randomization_id": "1", "format": "json", **fields}
    return json.loads(study.api.text("record", **given))


def refusal(study: Study, record: str, **fields: str) -> tuple[int, str]:
    return study.error(
        "record", **{"action": "randomize", "record": record, "randomization_id": "1", **fields}
    )


def values(study: Study, field: str) -> dict[str, str]:
    return {row["record_id"]: row[field] for row in study.api.json("record")}


def test_records_take_the_places_of_the_table_in_order(server: Running) -> None:
    study = study_with(server, OPEN)
    answers = [randomize(study, record) for record in ("3", "1")]

    assert answers == [
        {"randomization_id": "1", "record": "3", "target_field": "A"},
        {"randomization_id": "1", "record": "1", "target_field": "B"},
    ]
    assert values(study, "group") == {"1": "B", "2": "", "3": "A", "4": ""}


def test_the_other_name_of_the_place_comes_on_demand(server: Running) -> None:
    study = study_with(server, OPEN)

    assert randomize(study, "1", returnAlt="true")["target_field_alt"] == "R-1"


def test_a_concealed_allocation_gives_a_number_and_hides_the_group(server: Running) -> None:
    study = study_with(server, CONCEALED)

    assert randomize(study, "2", returnAlt="1") == {
        "randomization_id": "1",
        "record": "2",
        "target_field": "R-1",
        "target_field_alt": "*",
    }
    assert values(study, "number")["2"] == "R-1"


def test_answers_come_in_csv_and_xml_too(server: Running) -> None:
    study = study_with(server, OPEN)
    fields = {"action": "randomize", "randomization_id": "1"}

    assert study.api.text("record", **fields, record="1", format="csv") == (
        "randomization_id,record,target_field\n1,1,A\n"
    )
    assert "<target_field><![CDATA[B]]></target_field>" in study.api.text("record", **fields, record="2")


def test_each_stratum_has_its_own_part_of_the_table(server: Running) -> None:
    rows = [{"record_id": str(number), "sex": sex} for number, sex in enumerate(("2", "2", "1"), start=1)]
    study = study_with(server, STRATIFIED, rows)

    assert [randomize(study, record)["target_field"] for record in ("1", "3", "2")] == ["B", "A", "A"]


def test_access_groups_can_be_strata(server: Running) -> None:
    study = new_study(server)
    names = [{"data_access_group_name": name, "unique_group_name": ""} for name in ("North", "South")]
    study.send("dag", names, action="import")
    south = {row["unique_group_name"]: row["data_access_group_id"] for row in study.api.json("dag")}["south"]
    study.control("allocations", {"csv": f"group,redcap_data_access_group\nA,{south}\nB,north\n"})
    study.send("record", [{"record_id": "1", "redcap_data_access_group": "north"}, {"record_id": "2"}])

    assert randomize(study, "1")["target_field"] == "B"
    assert "redcap_data_access_group" in refusal(study, "2")[1]


def test_what_cannot_be_randomized_is_refused(server: Running) -> None:
    study = study_with(server, STRATIFIED, [{"record_id": "1", "sex": "1"}, {"record_id": "2"}])
    randomize(study, "1")

    assert refusal(study, "1") == (400, 'The record "1" has already been randomized')
    assert refusal(study, "2") == (
        400,
        'The record "2" cannot be randomized because it has no value for: sex',
    )
    assert refusal(study, "9") == (400, 'The record "9" does not exist')
    assert refusal(study, "2", randomization_id="7")[1].startswith(
        'The value of the parameter "randomization_id"'
    )
    assert refusal(study, "2", randomization_id="")[0] == 400


def test_a_table_that_is_used_up_gives_no_more_places(server: Running) -> None:
    study = study_with(server, OPEN)
    for record in ("1", "2", "3"):
        randomize(study, record)

    status, message = refusal(study, "4")

    assert (status, "used up" in message) == (400, True)
    assert values(study, "group")["4"] == ""


def test_it_needs_the_right_to_perform_it(server: Running) -> None:
    study = study_with(server, OPEN)
    fields = {"action": "randomize", "record": "1", "randomization_id": "1"}

    assert study.as_user(rights={"random_perform": 0}).post("record", **fields).status_code == 403
    assert study.as_user(rights={"api_import": 0}).post("record", **fields).status_code == 200


def test_it_is_logged_and_what_depends_on_it_is_computed(server: Running) -> None:
    study = new_study(server)
    dictionary = study.api.json("metadata")
    calc = {"field_name": "is_drug", "form_name": "exam", "field_type": "calc", "field_label": "Drug?"}
    place = next(index for index, one in enumerate(dictionary) if one["field_name"] == "number")
    dictionary.insert(place, {**calc, "select_choices_or_calculations": "if([group] = 'A', 1, 0)"})
    study.send("metadata", dictionary)
    study.send("record", [{"record_id": "1"}])
    study.control("allocations", {"csv": OPEN})
    randomize(study, "1")
    log = [(row["action"], row["details"]) for row in study.api.json("log", record="1")]

    assert values(study, "is_drug") == {"1": "1"}
    assert any("group = 'A'" in details for _, details in log)
    assert ("Randomize record (API) 1", "Randomize record (randomization_id = 1)") in log


def test_older_servers_cannot_randomize(server: Running) -> None:
    study = study_with(server, OPEN)
    set_version(server, "14.6.5")
    refused = refusal(study, "1")
    set_version(server, "15.2.1")

    assert refused == (501, "The requested method is not implemented.")


def set_version(server: Running, version: str) -> None:
    url = f"{server.control_url}version"
    assert requests.post(url, json={"version": version}, timeout=30).status_code == 200


def test_a_records_place_follows_it_and_is_free_again_without_it(server: Running) -> None:
    study = study_with(server, OPEN)
    randomize(study, "1")
    study.api.text("record", action="rename", record="1", new_record_name="8")
    renamed = refusal(study, "8")[1]
    study.api.text("record", action="delete", records="8")

    assert renamed == 'The record "8" has already been randomized'
    assert randomize(study, "2")["target_field"] == "A"


def test_a_name_that_has_a_place_in_another_arm_keeps_it(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        table = store.allocations
        table.replace(1, 1, rows=[Allocation({}, "A", ""), Allocation({}, "B", "")])
        for record in ("1", "2"):
            table.take(1, 1, stratum={}, record=record)

        table.rename_record(1, "2", new="1")

        assert table.records(1, 1) == {"1", "2"}


def test_who_imports_can_ask_which_values_may_not_be_changed(server: Running) -> None:
    study = study_with(server, OPEN)
    randomize(study, "2")
    project = server.state.store.projects.get(study.project_id)
    found = randomized_records(server.state.store, project)

    assert {target.field: records for target, records in found.items()} == {"group": {"2"}}


@pytest.mark.parametrize(
    "table",
    [
        "",
        "group\n",
        "nothing\n1\n",
        "group\nZ\n",
        "group,sex\nA,\n",
        "group,redcap_data_access_group\nA,nowhere\n",
        "\x00",
    ],
)
def test_a_table_that_does_not_fit_is_refused_whole(server: Running, table: str) -> None:
    study = new_study(server)
    url = f"{study.controls}projects/{study.project_id}/allocations"
    study.send("record", [{"record_id": "1"}])

    assert requests.post(url, json={"csv": table}, timeout=30).status_code == 400
    assert study.api.json("project")["randomization_enabled"] == 0


def test_a_table_in_use_cannot_be_replaced(server: Running) -> None:
    study = study_with(server, OPEN)
    study.control("allocations", {"csv": "group\nB\n"})
    answer = randomize(study, "1")
    url = f"{study.controls}projects/{study.project_id}/allocations"

    assert answer["target_field"] == "B"
    assert requests.post(url, json={"csv": OPEN}, timeout=30).status_code == 400


def test_the_set_up_comes_with_project_xml(server: Running) -> None:
    study = study_with(server, STRATIFIED)
    again = Study(create(server, study.api.text("project_xml")), study.controls, 0)
    again = Study(again.api, study.controls, again.api.json("project")["project_id"])
    again.send("record", [{"record_id": "1", "sex": "2"}])
    again.control("allocations", {"csv": "redcap_randomization_group,sex\nB,2\n"})

    assert randomize(again, "1")["target_field"] == "B"


def test_the_demo_study_randomizes_with_redcaps_template(server: Running) -> None:
    api = create(server, recording("caps-demo", "project.xml").decode())
    study = Study(api, server.control_url, api.json("project")["project_id"])
    study.control("allocations", {"csv": recording("caps-demo", "randomization-allocation.csv").decode()})
    rows = [{"record_id": str(n), "redcap_event_name": "baseline_arm_1"} for n in range(1, 5)]
    study.send("record", rows)

    assert [randomize(study, str(n))["target_field"] for n in range(1, 5)] == ["2", "3", "2", "3"]
