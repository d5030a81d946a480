"""Users, roles and access groups: columns by version, what an import leaves, and what rights then do."""

from __future__ import annotations

import csv
import io
import json

import pytest
import requests
from lxml import etree
from sandbox_desk import Desk, OpenDesk

from sandbox.call import read_call
from sandbox.errors import ApiError
from sandbox.methods.groups import assign_groups
from sandbox.odm.roles import read_roles, role_attributes
from sandbox.people.privileges import Dialect
from sandbox.server import Running

ABOUT = [
    "username",
    "email",
    "firstname",
    "lastname",
    "expiration",
    "data_access_group",
    "data_access_group_id",
]
FLAGS_15 = [
    "design",
    "alerts",
    "user_rights",
    "data_access_groups",
    "reports",
    "stats_and_charts",
    "manage_survey_participants",
    "calendar",
    "data_import_tool",
    "data_comparison_tool",
    "logging",
    "email_logging",
    "file_repository",
    "data_quality_create",
    "data_quality_execute",
    "api_export",
    "api_import",
    "api_modules",
    "mobile_app",
    "mobile_app_download_data",
    "record_create",
    "record_rename",
    "record_delete",
    "lock_records_all_forms",
    "lock_records",
    "lock_records_customization",
]
FORM_TEXT = 'The form named "{}" is incorrect for the user role "{}" The form does not exist in this project.'


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()


def columns(desk: Desk, content: str = "user") -> list[str]:
    return list(desk.json(desk.owner, content)[0])


def user(desk: Desk, name: str) -> dict:
    return next(row for row in desk.json(desk.owner, "user") if row["username"] == name)


def role(desk: Desk, label: str) -> dict:
    return next(row for row in desk.json(desk.owner, "userRole") if row["role_label"] == label)


def test_user_columns_come_in_order(desk: Desk) -> None:
    assert columns(desk) == [*ABOUT, *FLAGS_15, "forms", "forms_export"]


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("16.0.0", {"data_access_group_label", "api_modules", "email_logging"}, set()),
        ("15.9.9", {"email_logging"}, {"data_access_group_label"}),
        ("14.4.0", {"email_logging", "api_modules"}, {"data_access_group_label"}),
        ("14.3.9", {"api_modules"}, {"email_logging"}),
        ("14.0.2", {"forms_export"}, {"api_modules", "email_logging"}),
        ("10.0.0", {"data_export"}, {"forms_export"}),
    ],
)
def test_user_columns_follow_the_version(
    open_desk: OpenDesk, version: str, has: set[str], lacks: set[str]
) -> None:
    found = set(columns(open_desk(version)))

    assert has <= found
    assert not lacks & found


def test_modules_that_are_on_add_columns(open_desk: OpenDesk) -> None:
    desk = open_desk(RandomizationEnabled="1", MyCapEnabled="1", DataResolutionWorkflowEnabled="1")

    found = columns(desk)

    assert found[-6:] == [
        "mycap_participants",
        "random_setup",
        "random_dashboard",
        "random_perform",
        "forms",
        "forms_export",
    ]
    assert found[found.index("data_quality_execute") + 1] == "data_quality_resolution"


def test_json_has_numbers_and_objects_csv_pairs_and_xml_elements(desk: Desk) -> None:
    row = user(desk, "site_admin")
    lines = list(csv.DictReader(io.StringIO(desk.ask(desk.owner, "user", format="csv").content.decode())))
    root = etree.fromstring(desk.ask(desk.owner, "user", format="xml").content)

    assert (row["design"], row["data_access_group_id"]) == (1, "")
    assert row["forms"] == {"start": 1, "exam": 1, "scan": 1}
    assert lines[0]["forms_export"] == "start:1,exam:1,scan:1"
    assert [(one.tag, one.text) for one in root.find("item/forms")] == [
        ("start", "1"),
        ("exam", "1"),
        ("scan", "1"),
    ]
    assert root.tag == "users"


def test_a_new_user_has_minimum_rights(desk: Desk) -> None:
    answer = desk.send(desk.owner, "user", [{"username": "eve@example.org"}])

    row = user(desk, "eve@example.org")
    assert answer.content == b"1"
    assert {row[name] for name in FLAGS_15} == {0}
    assert set(row["forms"].values()) | set(row["forms_export"].values()) == {0}


def test_what_an_import_does_not_name_stays_but_for_the_access_group(desk: Desk) -> None:
    first = {
        "username": "eve",
        "design": 1,
        "forms": {"exam": 2},
        "expiration": "2999-01-01",
        "data_access_group": "north",
    }
    desk.send(desk.owner, "user", [first])
    before = user(desk, "eve")

    desk.send(desk.owner, "user", [{"username": "eve", "logging": "1", "forms": {"start": 3}}])

    after = user(desk, "eve")
    assert (before["data_access_group"], before["data_access_group_id"]) == ("north", 11)
    assert (after["data_access_group"], after["data_access_group_id"]) == ("", "")
    assert (after["design"], after["logging"], after["expiration"]) == (1, 1, "2999-01-01")
    assert after["forms"] == {"start": 3, "exam": 2, "scan": 0}


@pytest.mark.parametrize("fmt", ["csv", "xml", "json"])
def test_an_export_of_users_imports_again_as_it_is(desk: Desk, fmt: str) -> None:
    desk.send(
        desk.owner,
        "user",
        [
            {
                "username": "eve",
                "forms": {"exam": 2},
                "forms_export": {"scan": 3},
                "data_access_group": "south",
            }
        ],
    )
    before = desk.ask(desk.owner, "user", format=fmt).content.decode()

    answer = desk.ask(desk.owner, "user", format=fmt, data=before)

    assert answer.content == b"2"
    assert desk.ask(desk.owner, "user", format=fmt).content.decode() == before


def test_forms_are_read_in_the_spelling_of_each_format(desk: Desk) -> None:
    xml = "<users><item><username>x</username><forms><start>2</start></forms><forms_export><scan>1</scan></forms_export></item></users>"
    desk.ask(desk.owner, "user", format="xml", data=xml)
    desk.ask(
        desk.owner, "user", format="csv", data='username,forms,forms_export\nc,"start:2, exam:1",scan:1\n'
    )
    desk.send(desk.owner, "user", [{"username": "j", "forms": [], "forms_export": {"scan": "1"}}])

    assert [user(desk, name)["forms"]["start"] for name in "xcj"] == [2, 2, 0]
    assert [user(desk, name)["forms_export"]["scan"] for name in "xcj"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("given", "shown", "older"),
    [(128, 128, 0), (129, 129, 2), (130, 130, 1), (138, 138, 3), (154, 154, 3), (1, 130, 1), (2, 129, 2)],
)
def test_form_levels_are_bits_from_15_6_on_and_older_codes_are_understood(
    open_desk: OpenDesk, given: int, shown: int, older: int
) -> None:
    desk = open_desk("15.6.0")
    desk.send(desk.owner, "user", [{"username": "eve", "forms": {"exam": given}}])
    new = user(desk, "eve")["forms"]["exam"]

    desk.state.redcap.version = (15, 5, 9)

    assert (new, user(desk, "eve")["forms"]["exam"]) == (shown, older)


@pytest.mark.parametrize(
    "row",
    [
        {"username": ""},
        {"design": 1},
        {"username": "two words"},
        {"username": "<b>"},
        {"username": "eve", "design": 2},
        {"username": "eve", "user_rights": 3},
        {"username": "eve", "logging": "yes"},
        {"username": "eve", "forms": {"nothing": 1}},
        {"username": "eve", "forms": {"exam": 130}},
        {"username": "eve", "forms": "exam"},
        {"username": "eve", "forms": "{"},
        {"username": "eve", "forms_export": {"exam": 4}},
        {"username": "eve", "expiration": "01/02/2030"},
        {"username": "eve", "expiration": "2030-02-30"},
        {"username": "eve", "data_access_group": "nowhere"},
    ],
)
def test_a_wrong_user_is_refused_and_nobody_is_added(desk: Desk, row: dict) -> None:
    before = desk.dump()

    answer = desk.send(desk.owner, "user", [{"username": "fine"}, row])

    assert answer.status == 400
    assert desk.dump() == before


@pytest.mark.parametrize("content", ["user", "userRole", "userRoleMapping", "dag", "userDagMapping"])
@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        ("json", "{"),
        ("json", "3"),
        ("json", '{"username":"eve"}'),
        ("json", '[["x"]]'),
        ("csv", "\n"),
        ("xml", "<users>"),
        ("xml", "no"),
    ],
)
def test_payloads_that_cannot_be_read_are_refused(desk: Desk, content: str, fmt: str, data: str) -> None:
    assert desk.ask(desk.owner, content, action="import", format=fmt, data=data).status == 400


def test_users_are_listed_by_name_whatever_its_capitals(desk: Desk) -> None:
    desk.send(desk.owner, "user", [{"username": "zoe"}, {"username": "Ann"}])

    desk.send(desk.owner, "user", [{"username": "ANN", "design": 1}])

    assert [row["username"] for row in desk.json(desk.owner, "user")] == ["Ann", "site_admin", "zoe"]
    assert user(desk, "Ann")["design"] == 1


def test_users_are_deleted_all_or_none(desk: Desk) -> None:
    desk.send(desk.owner, "user", [{"username": "a"}, {"username": "b"}])
    refused = desk.ask(desk.owner, "user", action="delete", users=["a", "nobody"])
    nothing = desk.ask(desk.owner, "user", action="delete")

    deleted = desk.ask(desk.owner, "user", action="delete", users=["a", "b"])

    assert (refused.status, nothing.status, deleted.content) == (400, 400, b"2")
    assert len(desk.json(desk.owner, "user")) == 1


def test_an_index_of_thousands_of_digits_is_an_index(desk: Desk) -> None:
    call = read_call(
        [("token", desk.owner), ("content", "user"), ("action", "delete"), (f"users[{'9' * 5000}]", "eve")]
    )

    assert desk.state.redcap.answer(call).status == 400


def test_changes_of_users_are_in_the_log(desk: Desk) -> None:
    desk.send(desk.owner, "user", [{"username": "eve"}])
    desk.send(desk.owner, "user", [{"username": "eve", "design": "1"}])
    desk.ask(desk.owner, "user", action="delete", users=["eve"])

    rows = desk.json(desk.owner, "log", logtype="user")

    assert [row["action"] for row in rows] == ["Delete user eve", "Edit user eve", "Add user eve"]


def test_a_role_is_made_listed_changed_and_deleted(desk: Desk) -> None:
    made = desk.send(desk.owner, "userRole", [{"role_label": "Nurse", "forms": {"exam": 2}}])
    first = role(desk, "Nurse")
    desk.send(
        desk.owner,
        "userRole",
        [{"unique_role_name": first["unique_role_name"], "role_label": "Head nurse", "logging": 1}],
    )
    second = role(desk, "Head nurse")
    deleted = desk.ask(desk.owner, "userRole", action="delete", roles=[first["unique_role_name"]])

    assert (made.content, deleted.content) == (b"1", b"1")
    assert first["unique_role_name"].startswith("U-")
    assert len(first["unique_role_name"]) == 12
    assert (first["logging"], second["logging"], second["forms"]["exam"]) == ("0", "1", 2)
    assert second["unique_role_name"] == first["unique_role_name"]
    assert desk.json(desk.owner, "userRole") == []


def test_role_columns_are_those_of_users_with_the_locks_turned_round(desk: Desk) -> None:
    desk.send(desk.owner, "userRole", [{"role_label": "Nurse"}])

    assert columns(desk, "userRole") == [
        "unique_role_name",
        "role_label",
        *FLAGS_15[:-3],
        *FLAGS_15[:-4:-1],
        "forms",
        "forms_export",
    ]


@pytest.mark.parametrize("fmt", ["csv", "xml", "json"])
def test_an_export_of_roles_imports_again_as_it_is(desk: Desk, fmt: str) -> None:
    desk.send(
        desk.owner, "userRole", [{"role_label": "Nurse", "forms": {"exam": 2}}, {"role_label": "Typist"}]
    )
    before = desk.ask(desk.owner, "userRole", format=fmt).content.decode()

    answer = desk.ask(desk.owner, "userRole", format=fmt, data=before)

    assert answer.content == b"2"
    assert desk.ask(desk.owner, "userRole", format=fmt).content.decode() == before


def test_roles_with_unknown_forms_and_names_are_refused_in_one_text(desk: Desk) -> None:
    rows = [
        {"unique_role_name": "U-527D39JXAC", "role_label": "A", "forms": {"demographics": 1, "exam": 1}},
        {"unique_role_name": "U-52WARDEN99", "role_label": "B", "forms_export": {"visits": 1}},
    ]

    status, text = desk.error(desk.owner, "userRole", format="json", data=json.dumps(rows))

    assert status == 400
    assert text.split("\n") == [
        FORM_TEXT.format("demographics", "U-527D39JXAC"),
        FORM_TEXT.format("visits", "U-52WARDEN99"),
        "Invalid Unique Role Names: U-527D39JXAC, U-52WARDEN99",
    ]
    assert desk.json(desk.owner, "userRole") == []


def test_a_user_in_a_role_shows_its_rights_and_is_judged_by_them(desk: Desk) -> None:
    token = desk.token("eve", rights=("api_export",))
    desk.send(desk.owner, "userRole", [{"role_label": "Auditor", "api_export": 1, "logging": 1}])
    name = role(desk, "Auditor")["unique_role_name"]
    before = desk.ask(token, "log", format="json").status

    answer = desk.send(
        desk.owner, "userRoleMapping", [{"username": "eve", "unique_role_name": name}], action="import"
    )
    inside = desk.ask(token, "log", format="json").status
    shown = user(desk, "eve")["logging"]
    desk.send(desk.owner, "userRoleMapping", [{"username": "eve", "unique_role_name": ""}], action="import")

    assert (answer.content, shown) == (b"1", 1)
    assert (before, inside, desk.ask(token, "log", format="json").status) == (403, 200, 403)


def test_whoever_was_in_a_deleted_role_has_their_own_rights_again(desk: Desk) -> None:
    token = desk.token("eve", rights=("logging",))
    desk.send(desk.owner, "userRole", [{"role_label": "Auditor", "api_export": 1, "logging": 1}])
    name = role(desk, "Auditor")["unique_role_name"]
    desk.send(desk.owner, "userRoleMapping", [{"username": "eve", "unique_role_name": name}], action="import")

    desk.ask(desk.owner, "userRole", action="delete", roles=[name])

    assert desk.ask(token, "log", format="json").status == 403
    assert desk.json(desk.owner, "userRoleMapping")[0] == {"username": "eve", "unique_role_name": ""}


def test_role_assignments_name_the_access_group_from_15_8_2_on(open_desk: OpenDesk) -> None:
    desk = open_desk("15.8.2")
    desk.token("eve", group="north")
    rows = desk.json(desk.owner, "userRoleMapping")

    answer = desk.send(desk.owner, "userRoleMapping", rows, action="import")

    assert rows[0] == {"username": "eve", "unique_role_name": "", "data_access_group": "north"}
    assert answer.content == b"2"
    assert desk.json(desk.owner, "userRoleMapping") == rows


@pytest.mark.parametrize(
    "row",
    [
        {"username": "nobody"},
        {"username": "site_admin", "unique_role_name": "U-0000000000"},
        {"unique_role_name": ""},
    ],
)
def test_assignments_of_what_is_not_there_are_refused(desk: Desk, row: dict) -> None:
    assert desk.send(desk.owner, "userRoleMapping", [row], action="import").status == 400


def test_a_role_of_project_xml_is_read_and_written_back(desk: Desk) -> None:
    xml = (
        '<GlobalVariables xmlns:redcap="https://projectredcap.org"><redcap:UserRolesGroup><redcap:UserRoles '
        'role_name="api" unique_role_name="U-342DF3W4KP" lock_record="2" data_export_tool="" '
        'data_export_instruments="[start,1][scan,3]" user_rights="2" graphical="1" data_logging="1" '
        'data_entry="[start,1][exam,3][gone,1]" participants="1"/></redcap:UserRolesGroup></GlobalVariables>'
    )
    dialect = Dialect(desk.project, (15, 2, 1))
    read = next(read_roles(etree.fromstring(xml), dialect.forms))

    written = role_attributes(read, dialect)

    assert list(written)[:5] == [
        "role_name",
        "unique_role_name",
        "lock_record",
        "lock_record_multiform",
        "lock_record_customize",
    ]
    assert (written["lock_record"], written["user_rights"], written["graphical"]) == ("2", "2", "1")
    assert (written["data_logging"], written["participants"], written["design"]) == ("1", "1", "0")
    assert written["data_entry"] == "[start,1][exam,3][scan,0]"
    assert written["data_export_instruments"] == "[start,1][exam,0][scan,3]"


def test_roles_of_old_project_xml_have_one_level_for_all_exports_and_maybe_no_name(desk: Desk) -> None:
    role = '<redcap:UserRoles role_name="{}" data_export_tool="2" data_entry="[start,1]"/>'
    xml = f'<x xmlns:redcap="https://projectredcap.org">{role.format("A")}{role.format("B")}</x>'

    read = list(read_roles(etree.fromstring(xml), ["start", "exam"]))

    assert [one.rights.forms_export for one in read] == [{"start": 2, "exam": 2}] * 2
    assert len({one.unique_name for one in read}) == 2
    assert all(one.unique_name.startswith("U-") for one in read)


@pytest.mark.parametrize(
    ("label", "unique"),
    [
        ("dag-a", "daga"),
        ("Temporary DAG", "temporary_dag"),
        ("Test_Group1", "test_group1"),
        ("Alpha Beta Gamma Delta", "alpha_beta_gamma_d"),
    ],
)
def test_an_access_group_gets_its_unique_name_from_its_label(desk: Desk, label: str, unique: str) -> None:
    answer = desk.send(
        desk.owner, "dag", [{"data_access_group_name": label, "unique_group_name": ""}], action="import"
    )

    rows = desk.json(desk.owner, "dag")
    assert answer.content == b"1"
    assert (rows[-1]["data_access_group_name"], rows[-1]["unique_group_name"]) == (label, unique)


def test_access_groups_of_one_label_or_of_no_latin_letter_get_names_of_their_own(desk: Desk) -> None:
    rows = [{"data_access_group_name": label} for label in ("New DAG", "New DAG", "север", "!!!")]

    desk.send(desk.owner, "dag", rows, action="import")

    names = [row["unique_group_name"] for row in desk.json(desk.owner, "dag")]
    assert names[2:4] == ["new_dag", "new_dagb"]
    assert len(set(names)) == 6
    assert "" not in names


def test_renaming_an_access_group_changes_its_unique_name_and_keeps_its_people(desk: Desk) -> None:
    desk.token("eve", group="north")

    desk.send(
        desk.owner,
        "dag",
        [{"data_access_group_name": "A different name", "unique_group_name": "north"}],
        action="import",
    )

    assert user(desk, "eve")["data_access_group"] == "a_different_name"
    assert user(desk, "eve")["data_access_group_id"] == 11


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("13.1.0", ["data_access_group_name", "unique_group_name", "data_access_group_id"]),
        ("13.0.9", ["data_access_group_name", "unique_group_name"]),
    ],
)
def test_group_numbers_are_shown_from_13_1_on(open_desk: OpenDesk, version: str, names: list[str]) -> None:
    desk = open_desk(version)

    assert list(desk.json(desk.owner, "dag")[0]) == names


def test_a_deleted_group_leaves_its_records_and_users_in_none(desk: Desk) -> None:
    desk.token("eve", group="north")
    desk.send(desk.owner, "record", [{"record_id": "1", "redcap_data_access_group": "north"}])

    answer = desk.ask(desk.owner, "dag", action="delete", dags=["north"])

    assert answer.content == b"1"
    assert desk.json(desk.owner, "userDagMapping")[0] == {"username": "eve", "redcap_data_access_group": ""}
    record = desk.json(desk.owner, "record", exportDataAccessGroups="true", fields=["record_id"])[0]
    assert record["redcap_data_access_group"] == ""


@pytest.mark.parametrize("fields", [{"dags": ["nowhere"]}, {"dags": ["north", "nowhere"]}, {}])
def test_groups_that_are_not_there_cannot_be_deleted(desk: Desk, fields: dict) -> None:
    before = desk.dump()

    answer = desk.ask(desk.owner, "dag", action="delete", **fields)

    assert answer.status == 400
    assert desk.dump() == before


def test_users_are_put_into_groups_and_out_of_them(desk: Desk) -> None:
    desk.token("eve")
    into = desk.send(
        desk.owner,
        "userDagMapping",
        [{"username": "eve", "redcap_data_access_group": "south"}],
        action="import",
    )
    rows = desk.json(desk.owner, "userDagMapping")
    desk.send(
        desk.owner, "userDagMapping", [{"username": "eve", "redcap_data_access_group": ""}], action="import"
    )

    assert into.content == b"1"
    assert rows == [
        {"username": "eve", "redcap_data_access_group": "south"},
        {"username": "site_admin", "redcap_data_access_group": ""},
    ]
    assert desk.json(desk.owner, "userDagMapping")[0]["redcap_data_access_group"] == ""


def test_whoever_manages_groups_may_switch_to_any_of_them_and_back(desk: Desk) -> None:
    into = desk.ask(desk.owner, "dag", action="switch", dag="north", returnFormat="csv")
    inside = user(desk, "site_admin")["data_access_group"]
    out = desk.ask(desk.owner, "dag", action="switch", dag="")

    assert (into.content, inside, out.content) == (b"1", "north", b"1")
    assert user(desk, "site_admin")["data_access_group"] == ""


def test_others_switch_only_to_groups_that_they_are_assigned_to(desk: Desk) -> None:
    token = desk.token("eve", rights=("api_import",), group="north")
    unassigned = desk.ask(token, "dag", action="switch", dag="south").status
    assign_groups(desk.state.store, desk.project, username="eve", groups=["north", "south"])

    switched = [
        desk.ask(token, "dag", action="switch", dag=name).status for name in ("south", "north", "", "nowhere")
    ]

    assert unassigned == 400
    assert switched == [200, 200, 400, 400]


def test_switching_to_none_needs_that_assignment_and_keeps_the_role(desk: Desk) -> None:
    token = desk.token("eve", rights=(), group="north")
    desk.send(desk.owner, "userRole", [{"role_label": "Switcher", "api_import": 1}])
    name = role(desk, "Switcher")["unique_role_name"]
    desk.send(desk.owner, "userRoleMapping", [{"username": "eve", "unique_role_name": name}], action="import")
    assign_groups(desk.state.store, desk.project, username="eve", groups=["north", ""])

    answer = desk.ask(token, "dag", action="switch", dag="")

    assert answer.content == b"1"
    desk.ask(desk.owner, "userRole", action="delete", roles=[name])
    assert user(desk, "eve")["api_import"] == 0


def test_only_users_are_assigned_and_only_to_groups_that_there_are(desk: Desk) -> None:
    for username, groups in (("nobody", ["north"]), ("site_admin", ["nowhere"])):
        with pytest.raises(ApiError):
            assign_groups(desk.state.store, desk.project, username=username, groups=groups)


def test_the_control_api_assigns_groups() -> None:
    with Running() as server:
        body = {"title": "Small"}
        made = requests.post(server.control_url + "projects", json=body, timeout=30).json()
        fields = {"token": made["token"], "content": "dag", "format": "json"}
        rows = [{"data_access_group_name": name} for name in ("North", "South")]
        requests.post(server.redcap_url, {**fields, "action": "import", "data": json.dumps(rows)}, timeout=30)

        order = {"username": made["username"], "groups": "north", "none": True}
        answer = requests.post(
            f"{server.control_url}projects/{made['project_id']}/groups", json=order, timeout=30
        )

        assert answer.json() == {"username": made["username"], "groups": ["north", ""]}
        for name, status in (("north", 200), ("south", 400), ("", 200)):
            assert (
                requests.post(
                    server.redcap_url, {**fields, "action": "switch", "dag": name}, timeout=30
                ).status_code
                == status
            )


def test_whoever_switches_sees_the_records_of_the_other_group(desk: Desk) -> None:
    rows = [
        {"record_id": "1", "redcap_data_access_group": "north"},
        {"record_id": "2", "redcap_data_access_group": "south"},
    ]
    desk.send(desk.owner, "record", rows)
    token = desk.token("eve", group="north")
    assign_groups(desk.state.store, desk.project, username="eve", groups=["north", "south"])
    before = [row["record_id"] for row in desk.json(token, "record")]

    desk.ask(token, "dag", action="switch", dag="south")

    assert (before, [row["record_id"] for row in desk.json(token, "record")]) == (["1"], ["2"])
