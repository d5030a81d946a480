"""What people decide on sessions: what will not come, which form holds, who shares one, what took place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from cli.plans import By, Reason, short
from cli.session_finding import Label, StudyName, find_named, read_study_file
from cli.showing import console

if TYPE_CHECKING:
    from capstan.store import Awaited

Undo = Annotated[bool, typer.Option("--undo", help="Take back what was said.")]
WhyIfSaid = Annotated[str, typer.Option("--reason", help="Why; needed unless it is taken back.")]


def expect_none(study: StudyName, session: Label, by: By, reason: WhyIfSaid = "", undo: Undo = False) -> None:
    """Say that no survey will come for a session, or with --undo take that back.

    Example: capstan sessions expect-none demo DTI01_CMH_H001_01_01 --by "Ann Lee" --reason "Left early"
    """
    from capstan.store import Awaited

    _dismiss(study, session, Awaited.SURVEY, by=by, reason=reason, undo=undo)


def no_data(study: StudyName, session: Label, by: By, reason: WhyIfSaid = "", undo: Undo = False) -> None:
    """Say that no data will come for a session, or with --undo take that back.

    Example: capstan sessions no-data demo DTI01_CMH_H001_01_01 --by "Ann Lee" --reason "Scanner broke"
    """
    from capstan.store import Awaited

    _dismiss(study, session, Awaited.DATA, by=by, reason=reason, undo=undo)


def settle(
    study: StudyName,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number in `list --waiting`.")],
    by: By,
    reason: Reason,
    take: Annotated[
        bool, typer.Option("--take/--set-aside", help="Whether this form holds, or is set aside.")
    ],
) -> None:
    """Decide on a form that waits: it is its session's in the place of another, or it is set aside.

    Example: capstan sessions settle demo 17 --take --by "Ann Lee" --reason "Entered twice, this one is right"
    """
    from capstan.store import settle_record
    from cli.stores import open_store_here

    read_study_file(study)
    with open_store_here() as store:
        settle_record(store, study, number=number, take=take, by=by, reason=reason, now=datetime.now(UTC))
    console.print("the form is linked to its session" if take else "the form is set aside")


def share(
    study: StudyName,
    session: Label,
    other_study: Annotated[str, typer.Argument(metavar="OTHER_STUDY", help="The study that shares it.")],
    other_session: Annotated[str, typer.Argument(metavar="OTHER_SESSION", help="Its session there.")],
    by: By,
) -> None:
    """Let a session of another study, which is made if need be, share the form of a session.

    Example: capstan sessions share demo DTI01_CMH_H001_01_01 other OTH01_CMH_0007_01_01 --by "Ann Lee"
    """
    from capstan.errors import Refused
    from capstan.store import Source, share_record
    from cli.stores import open_store_here
    from tasks.sessions import report_session

    ours, theirs, now = read_study_file(study), read_study_file(other_study), datetime.now(UTC)
    with open_store_here() as store:
        found = find_named(store, ours, session)
        if found.record is None:
            raise Refused(f"The session {found.key} has no form that could be shared.")
        target, _ = report_session(store, theirs, session_id=other_session, source=Source.PERSON, now=now)
        if not share_record(store, found.key, with_session=target, by=by, now=now):
            raise Refused("These two sessions share the form already.")
    console.print(f"{escape(str(target))} of {other_study} shares the form of {escape(str(found.key))}")


def add(
    study: StudyName,
    session: Label,
    data_in: Annotated[
        str, typer.Option("--data", callback=short, help="Where its data are, if they are here.")
    ] = "",
) -> None:
    """Say that a session took place, or with --data also where its data are, before REDCap tells of it.

    Example: capstan sessions add demo DTI01_CMH_H001_01_01 --data archive
    """
    from capstan.store import Source
    from cli.stores import open_store_here
    from tasks.sessions import report_session

    known, source = read_study_file(study), Source.DATA if data_in else Source.PERSON
    with open_store_here() as store:
        key, is_new = report_session(
            store, known, session_id=session, source=source, now=datetime.now(UTC), data_in=data_in
        )
    console.print(f"{escape(str(key))} is {'new' if is_new else 'known already'}")


def _dismiss(study: str, session: str, kind: Awaited, *, by: str, reason: str, undo: bool) -> None:
    from capstan.errors import Refused
    from capstan.store import dismiss, lift_dismissal
    from cli.stores import open_store_here

    known, now = read_study_file(study), datetime.now(UTC)
    with open_store_here() as store:
        key = find_named(store, known, session).key
        if undo:
            done = lift_dismissal(store, key, kind, by=by, now=now)
        else:
            done = dismiss(store, key, kind, by=by, reason=reason, now=now)
    if not done:
        raise Refused(
            f"Nobody had said that no {kind} comes."
            if undo
            else f"The {kind} is here already, or this was said before; nothing was changed."
        )
    console.print(f"the {kind} of {escape(str(key))} is {'' if undo else 'not '}expected")
