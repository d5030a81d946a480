"""GlobalVariables of project XML: settings, repeats, access groups, roles, and what came along (E.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from sandbox.odm.read import CLASSIC_EVENT
from sandbox.odm.roles import role_attributes
from sandbox.odm.settings import written_settings
from sandbox.odm.text import escape, spell
from sandbox.people.members import load_roles
from sandbox.people.privileges import Dialect
from sandbox.project.model import Project

if TYPE_CHECKING:
    from sandbox.session import Session

# Groups of surveys stand before the roles, all others behind them.
_SURVEYS = "<redcap:Survey"
Lines = Iterator[str]


def global_variables(session: Session) -> Lines:
    """Yield the GlobalVariables element."""
    project = session.project
    title = escape(project.title)
    yield "<GlobalVariables>"
    yield f"\t<StudyName>{title}</StudyName>"
    yield (
        "\t<StudyDescription>This file contains the metadata, events, and data for REDCap project "
        f'"{title}".</StudyDescription>'
    )
    yield f"\t<ProtocolName>{title}</ProtocolName>"
    for tag, text in written_settings(project.settings, session.version):
        yield f"\t<redcap:{tag}>{escape(text)}</redcap:{tag}>"
    yield from _repeating(project)
    if project.groups:
        yield "\t<redcap:DataAccessGroupsGroup>"
        for group in project.groups:
            yield f'\t\t<redcap:DataAccessGroups group_name="{escape(group.name)}"/>'
        yield "\t</redcap:DataAccessGroupsGroup>"
    yield from (f"\t{text}" for text in project.extra_xml if text.startswith(_SURVEYS))
    yield from _roles(session)
    yield from (f"\t{text}" for text in project.extra_xml if not text.startswith(_SURVEYS))
    yield "</GlobalVariables>"


def _roles(session: Session) -> Lines:
    roles = load_roles(session.store, session.project_id).values()
    dialect = Dialect(session.project, session.version)
    if roles:
        yield "\t<redcap:UserRolesGroup>"
        yield from (f"\t\t<redcap:UserRoles {spell(role_attributes(role, dialect))}/>" for role in roles)
        yield "\t</redcap:UserRolesGroup>"


def _repeating(project: Project) -> Lines:
    if not project.is_repeating:
        return
    repeats, names = project.live_repeats, _written_names(project)
    yield "\t<redcap:RepeatingInstrumentsAndEvents>"
    for one in repeats:
        if not one.form:
            yield f'\t\t<redcap:RepeatingEvent redcap:UniqueEventName="{names[one.event_id]}"/>'
    inside = [one for one in repeats if one.form]
    for event_id, group in groupby(inside, lambda one: one.event_id):
        yield "\t\t<redcap:RepeatingInstruments>"
        for one in group:
            yield (
                f'\t\t\t<redcap:RepeatingInstrument redcap:UniqueEventName="{names[event_id]}" '
                f'redcap:RepeatInstrument="{one.form}" redcap:CustomLabel="{escape(one.custom_label)}"/>'
            )
        yield "\t\t</redcap:RepeatingInstruments>"
    yield "\t</redcap:RepeatingInstrumentsAndEvents>"


def _written_names(project: Project) -> dict[int, str]:
    if not project.is_longitudinal:
        return {project.ordered_events[0].event_id: CLASSIC_EVENT}
    return {event.event_id: event.unique_name for event in project.events}
