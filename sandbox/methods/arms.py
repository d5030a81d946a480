"""content=arm (B.8)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.methods.design import given_arm, require_longitudinal, without_events
from sandbox.numbers import read_whole
from sandbox.payload import read_rows
from sandbox.project.parts import Arm
from sandbox.render import Answer, plain, table
from sandbox.session import Session

# Not recorded (J.1).
NO_NAME = "Each arm must have a name."


def export_arms(session: Session) -> Answer:
    """List the arms that have events."""
    require_longitudinal(session, "arms")
    wanted = session.call.names("arms")
    used = {event.arm_num for event in session.project.events}
    rows = [
        (arm.number, arm.name)
        for arm in session.project.arms
        if arm.number in used and (not wanted or str(arm.number) in wanted)
    ]
    return table(("arm_num", "name"), rows, fmt=session.call.format, root="arms", final_newline=False)


def import_arms(session: Session) -> Answer:
    """Add or rename arms; with override all arms, events, mappings and data go first."""
    rows, project = read_rows(session.call), session.project
    arms = {arm.number: arm for arm in project.arms}
    if session.call.flag("override"):
        project, arms = without_events(session, [event.event_id for event in project.events]), {}
    for row in rows:
        name = row.get("name", "").strip()
        if not name:
            raise ApiError(NO_NAME)
        number = given_arm(row)
        arms[number] = Arm(number, name)
    session.save(replace(project, arms=tuple(arms[key] for key in sorted(arms))))
    session.log_design("Import arms (API)")
    return plain(len(rows))


def delete_arms(session: Session) -> Answer:
    """Delete arms with their events and the data of these."""
    numbers = {read_whole(text, 0) for text in session.call.names("arms")}
    project = session.project
    gone = [event.event_id for event in project.events if event.arm_num in numbers]
    arms = tuple(arm for arm in project.arms if arm.number not in numbers)
    session.save(replace(without_events(session, gone), arms=arms))
    session.log_design("Delete arms (API)")
    return plain(len(project.arms) - len(arms))
