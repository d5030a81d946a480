"""Connections: a study's live project, opened only if its token opens what the study names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from prefect.blocks.system import Secret

from capstan.dictionary import Dictionary
from capstan.errors import IdentityError, StudyError, UsageError
from capstan.events import EventGrid, logic_layout
from capstan.logic import Layout
from capstan.redcap import Redcap
from capstan.settings import Settings, load_settings
from capstan.store import Store, load_keys
from capstan.study import ProjectIdentity, Study, TokenSource, find_study, read_study
from capstan.study_check import check_study
from tasks.crash import crash_point
from tasks.shield import effect, run_logger

ROOT = Path(__file__).resolve().parent.parent


class LiveProject:
    """A study with its open project: the connection, the dictionary, the event grid, and the store.

    Not a dataclass: Prefect would walk all of its parts each time a task is given one.
    """

    def __init__(
        self, study: Study, *, redcap: Redcap, dictionary: Dictionary, grid: EventGrid, store: Store
    ) -> None:
        self.study, self.redcap, self.store = study, redcap, store
        self.dictionary, self.grid = dictionary, grid
        self.layout: Layout = logic_layout(dictionary, grid=grid)

    def __repr__(self) -> str:
        return f"<LiveProject {self.study.study}>"

    @property
    def project(self) -> tuple[str, int]:
        """REDCap's host and the project id, by which the journal tells projects apart."""
        return urlsplit(self.study.redcap.url).hostname or "", self.study.redcap.project.id

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key columns of this project's imports."""
        return self.grid.key_columns(self.dictionary.record_field)

    def watermark(self, name: str) -> str:
        """The name of a watermark of this project: a study that moves to another one starts anew."""
        host, number = self.project
        return f"{host}/{number} {name}"

    def close(self) -> None:
        """Close the store's connections."""
        self.store.close()


@effect("open project")
def open_project(name: str, *, check_rules: bool = True) -> LiveProject:
    """Open a study's project and refuse any other than the one that the study names.

    Raises StudyError for the study file and, with `check_rules`, for names in it that the project does not
    have; UsageError where no token is kept; TokenRefused, IdentityError, RedcapUnavailable.
    """
    settings = load_settings()
    folder = find_study(name, folders=study_folders(settings))
    study = read_study(folder)
    token = read_token(study.redcap.token, folder=folder)
    redcap = Redcap(study.redcap.url, token, max_rows=study.redcap.batch_rows)
    store = open_store(settings)
    try:
        live = connect(study, redcap=redcap, store=store)
        if check_rules:
            _refuse_problems(live, file=folder / "study.yaml")
    except BaseException:
        store.close()
        raise
    crash_point("opened")
    return live


def _refuse_problems(live: LiveProject, *, file: Path) -> None:
    """Refuse rules that name what the project does not have, before anything is exported or written."""
    problems = check_study(live.study, dictionary=live.dictionary, grid=live.grid)
    if problems:
        count = len(problems)
        head = f" {count} problems, of which `capstan doctor` lists all:" if count > 1 else ""
        raise StudyError(f"{file}:{head} {problems[0]}")


def connect(study: Study, *, redcap: Redcap, store: Store) -> LiveProject:
    """Check the project's identity, then read its structure."""
    info = redcap.project()
    check_identity(study.redcap.project, info=info)
    dictionary, grid = read_structure(redcap, missing_codes=str(info.get("missing_data_codes") or ""))
    return LiveProject(study, redcap=redcap, dictionary=dictionary, grid=grid, store=store)


def study_folders(settings: Settings) -> tuple[Path, ...]:
    """Where study folders are looked for: the settings' folders, here, and this project's own."""
    return (*settings.studies, Path.cwd(), Path.cwd() / "studies", ROOT / "studies")


def read_structure(redcap: Redcap, *, missing_codes: str) -> tuple[Dictionary, EventGrid]:
    """Read data dictionary and event grid."""
    dictionary = Dictionary.from_frames(
        redcap.metadata(), instruments=redcap.instruments(), missing_codes=missing_codes
    )
    grid = EventGrid.from_frames(
        arms=redcap.arms(),
        events=redcap.events(),
        mapping=redcap.form_event_mapping(),
        repeating=redcap.repeating(),
        forms=tuple(dictionary.forms),
    )
    return dictionary, grid


def check_identity(wanted: ProjectIdentity, *, info: dict[str, object]) -> None:
    """Refuse a token that opens another project, or the same one in another status."""
    status = "production" if str(info.get("in_production")) == "1" else "development"
    found = {"id": str(info.get("project_id")), "title": str(info.get("project_title")), "status": status}
    for name, expected in (("id", str(wanted.id)), ("title", wanted.title), ("status", wanted.status)):
        if found[name] != expected:
            raise IdentityError(
                f"The token opens a project whose {name} is {found[name]!r}, but the study names "
                f"{expected!r} (redcap.project.{name} in study.yaml). Give the right token, or correct "
                "the study."
            )


def read_token(source: TokenSource, *, folder: Path) -> str:
    """Read a token from where the study says that it is kept; raises UsageError where there is none."""
    if source.env:
        token = os.environ.get(source.env, "")
        if not token.strip():
            raise UsageError(f"The environment variable {source.env} holds no token; set it.")
        return token
    if source.file:
        return _token_of_file(folder / Path(source.file).expanduser())
    try:
        block = cast(Secret[Any], Secret.load(source.prefect_secret))
    except ValueError:
        raise UsageError(
            f"Prefect has no secret block {source.prefect_secret!r}, or no server is configured; make the "
            "block, or name another place in redcap.token."
        ) from None
    return str(block.get())


def open_store(settings: Settings) -> Store:
    """Open Capstan's own database; warns when its key was just made, because it must be backed up."""
    keys = load_keys(settings.key, home=settings.home)
    if keys.made_file:
        run_logger().warning("made the key %s; back it up, the journal is lost without it", keys.made_file)
    return Store.open(settings.store_url, keys)


def _token_of_file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise StudyError(f"The token file {path} can be read by others; run `chmod 600 {path}`.")
        return path.read_text(encoding="utf-8").strip().splitlines()[0]
    except (OSError, IndexError):
        raise UsageError(
            f"The token file {path} cannot be read or is empty; write the token into it."
        ) from None
