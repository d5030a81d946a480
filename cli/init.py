"""`capstan init`: a study folder, drafted from a live project."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from capstan.errors import UsageError
from cli.running import AsJson
from cli.showing import console, print_json


def init(
    name: Annotated[str, typer.Argument(help="The study's name: lower-case letters, digits, - and _.")],
    url: Annotated[str, typer.Option(help="REDCap's address, with or without /api/.")],
    token_env: Annotated[str, typer.Option(help="The environment variable that holds the API token.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the study file if there is one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write NAME/study.yaml from the live project, with a comment at each guess; asks nothing.

    It is written to the first folder of CAPSTAN_STUDIES, else to studies/ if that is here, else here.

    Example: capstan init tooth --url https://redcap.example.org --token-env REDCAP_API_TOOTH
    """
    from capstan.drafting import Draft, draft_study
    from capstan.redcap import Redcap
    from capstan.study import read_study
    from capstan.study.parts import TokenSource, is_variable_name
    from tasks.connections import read_structure
    from tasks.hosts import check_address
    from tasks.token_sources import read_token

    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise UsageError(f"{name!r} cannot name a study; use lower-case letters, digits, - and _.")
    folder = _home_of_studies() / name
    if (folder / "study.yaml").exists() and not force:
        raise UsageError(f"{folder / 'study.yaml'} is there already; --force replaces it.")
    if not is_variable_name(token_env):
        raise UsageError("--token-env takes the name of an environment variable, not a token.")
    check_address(url)
    redcap = Redcap(url, read_token(TokenSource(env=token_env), folder=folder))
    info = redcap.project()
    dictionary, grid = read_structure(redcap, missing_codes=str(info.get("missing_data_codes") or ""))
    text = draft_study(Draft(name, url, token_env, info, dictionary, grid))
    _write(folder / "study.yaml", text)
    study = read_study(folder)
    if as_json:
        print_json({"study": name, "file": str(folder / "study.yaml"), "visits": len(study.visits)})
        return
    console.print(
        f"Wrote [bold]{escape(str(folder / 'study.yaml'))}[/bold]; read its comments, then "
        f"`capstan doctor {name}`.",
        soft_wrap=True,
    )


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{file}: cannot be written ({error.strerror}); see who owns the folder, or go to another."
        ) from None


def _home_of_studies() -> Path:
    from capstan.settings import load_settings

    settings = load_settings()
    if settings.studies:
        return settings.studies[0]
    here = Path.cwd()
    return here / "studies" if os.path.isdir(here / "studies") else here
