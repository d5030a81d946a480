"""The watch: one look at all that a study waits for, and what it is looked up in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, time
from functools import cached_property
from pathlib import Path

from capstan.errors import UsageError
from capstan.monitors.forms import SavedForms, read_forms
from capstan.project_names import Project
from capstan.settings import load_settings
from capstan.store import Mailroom, Session, Store, list_sessions
from capstan.store.monitor_messages import SentMessage, sent_messages
from capstan.study import Study, find_study, read_study
from capstan.study.monitors import Monitor
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject, open_store
from tasks.day import acted_day
from tasks.folders import study_folders
from tasks.messages.queueing import room_of
from tasks.redcap import read_records
from tasks.shield import effect, run_logger


class Watch:
    """A study, its store, and one moment from which its waits are looked at; a dry one changes nothing.

    `clock` tells the time of each step, the project is open only while `live` is there, and `record` is the
    only one that is looked at, unless it is blank. Not a dataclass, as LiveProject is none.
    """

    def __init__(
        self, study: Study, folder: Path, *, store: Store, clock: Callable[[], datetime], dry_run: bool
    ) -> None:
        self.study, self.folder, self.store = study, folder, store
        self.clock, self.dry_run = clock, dry_run
        self.started = clock()
        self.live: LiveProject | None = None
        self.record = ""

    def __repr__(self) -> str:
        return f"<Watch {self.study.study}>"

    def choose_monitors(self, names: Collection[str]) -> None:
        """Look at some monitors only, if any are named; raises UsageError for one that the study lacks."""
        unknown = sorted(set(names) - set(self.monitors))
        if unknown:
            raise UsageError(f"The study has no monitor {unknown[0]!r}; see monitors in its study.yaml.")
        if names:
            chosen = tuple(one for one in self.study.monitors if one.id in names)
            self.study = self.study.model_copy(update={"monitors": chosen})

    def leave_project(self) -> None:
        """Close the project, if it is open."""
        if self.live:
            self.live.close()
        self.live = None

    @property
    def room(self) -> Mailroom:
        """Whose waits and messages they are."""
        return room_of(self.study)

    @property
    def monitors(self) -> dict[str, Monitor]:
        """The study's monitors by id."""
        return {monitor.id: monitor for monitor in self.study.monitors}

    @cached_property
    def sessions(self) -> dict[str, Session]:
        """The study's sessions by name."""
        return {str(session.key): session for session in list_sessions(self.store, self.study.study)}

    @cached_property
    def sent(self) -> tuple[SentMessage, ...]:
        """The messages that monitors name, as far as they went out."""
        named = {monitor.of.message for monitor in self.study.monitors if monitor.of}
        named |= {monitor.then.reply for monitor in self.study.monitors if monitor.then}
        return sent_messages(self.store, self.room, names=named - {""})

    @cached_property
    def forms(self) -> SavedForms:
        """The forms that monitors name, in one export; the project must be open."""
        live = self.open_project
        wanted = forms_of(self.study, project=self.project)
        if not wanted:
            return SavedForms({}, {})
        export = read_records(
            live,
            fields=[f"{form}_complete" for form in sorted(wanted)],
            blank_for_gray=True,
            access_groups=True,
        )
        record_field = live.dictionary.record_field
        return read_forms(export, forms=wanted, record_field=record_field, group_column=GROUP_COLUMN)

    @property
    def open_project(self) -> LiveProject:
        """The project, which the caller knows to be open."""
        if self.live is None:
            raise RuntimeError("the project is not open")
        return self.live

    @cached_property
    def project(self) -> Project:
        """The project's names; it must be open."""
        return Project(self.open_project.dictionary, self.open_project.grid)

    def events_for(self, form: str, *, event: str, near: str = "") -> tuple[str, ...]:
        """The events on which a form is looked for.

        They are those of a name; without one the event `near`, where the form is designated for it, else all.
        """
        if event:
            return self.project.events_of(event)
        designated = tuple(there for there, name in self.open_project.grid.designated if name == form)
        return (near,) if near in designated else designated


@effect("read forms")
def read_watched_forms(watch: Watch) -> None:
    """Export the forms that monitors name, before anything is done that rests on them."""
    run_logger().info("read %d forms", len(watch.forms.every))


def forms_of(study: Study, *, project: Project) -> frozenset[str]:
    """The forms whose status monitors ask for."""
    forms: set[str] = set()
    for monitor in study.monitors:
        start, then = monitor.of, monitor.then
        forms |= {named for named in (start.form if start else "", then.form if then else "") if named}
        if start and start.event and not start.form:
            events = project.events_of(start.event)
            forms |= {form for event, form in project.grid.designated if event in events}
    return frozenset(forms)


@contextmanager
def watching(name: str, *, clock: Callable[[], datetime], dry_run: bool) -> Iterator[Watch]:
    """Open a study's file and store; REDCap is not asked yet. In a rehearsal its noon is always now."""
    settings = load_settings()
    folder = find_study(name, folders=study_folders(settings))
    study = read_study(folder)
    with open_store(settings) as store:
        day = acted_day()
        noon = datetime.combine(day, time(12), study.zone) if day else None
        told = clock if noon is None else lambda: noon
        yield Watch(study, folder, store=store, clock=told, dry_run=dry_run)
