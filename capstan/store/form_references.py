"""Names forms by references that say nothing of them, so that a mail or an address may hold one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from capstan.form_links import FormLinks
from capstan.store.connection import Store
from capstan.store.staff_tables import FORM_REFERENCE
from capstan.store.upserts import insert_or_replace
from capstan.store.watermarks import read_watermark, write_watermark
from capstan.triggers import Place

_LENGTH = 32


class Referred(NamedTuple):
    """What a reference names: a place in a project (host and id) of a study."""

    study: str
    project: tuple[str, int]
    place: Place


def refer_to(store: Store, study: str, *, project: tuple[str, int], place: Place, now: datetime) -> str:
    """Name a form; the same form has the same name, 32 hex digits that nobody can recompute without keys."""
    return refer_to_all(store, study, project=project, places=[place], now=now)[0]


def refer_to_all(
    store: Store, study: str, *, project: tuple[str, int], places: Sequence[Place], now: datetime
) -> list[str]:
    """Name different forms, as `refer_to` does, at once."""
    host, number = project
    words = [json.dumps(["form", study, host, number, *astuple(place)]) for place in places]
    rows = [
        {
            "reference": store.keys.fingerprint(word)[:_LENGTH],
            "study": study,
            "host": host,
            "project_id": number,
            "sealed": store.keys.seal(json.dumps(astuple(place)).encode()),
            "made_at": now,
        }
        for word, place in zip(words, places, strict=True)
    ]
    with store.write() as connection:
        connection.execute(insert_or_replace(connection, FORM_REFERENCE, keys=["reference"]), rows)
    return [str(row["reference"]) for row in rows]


def read_reference(store: Store, reference: str) -> Referred | None:
    """What a reference names; None for one that was never made, or is past the study's retention."""
    # PostgreSQL refuses to look for some characters at all.
    if not re.fullmatch(f"[0-9a-f]{{{_LENGTH}}}", reference):
        return None
    query = select(FORM_REFERENCE).where(FORM_REFERENCE.c.reference == reference)
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return None
    place = Place(*json.loads(store.keys.unseal(row["sealed"])))
    return Referred(row["study"], (row["host"], row["project_id"]), place)


def keep_form_links(
    store: Store, study: str, *, project: tuple[str, int], links: FormLinks, now: datetime
) -> None:
    """Keep where a project's forms are; the server's version in it changes now and then."""
    text, name = links.to_text(), _links_name(project)
    if read_watermark(store, study, name=name) != text:
        write_watermark(store, study, name=name, value=text, now=now)


def form_address(store: Store, referred: Referred) -> str:
    """The address in REDCap of what a reference names, by the version that was seen last; "" if unknown."""
    text = read_watermark(store, referred.study, name=_links_name(referred.project))
    return FormLinks.from_text(text).link(referred.place) if text else ""


def _links_name(project: tuple[str, int]) -> str:
    host, number = project
    return f"{host}/{number} forms"


def forget_references(connection: Connection, *, before: datetime, study: str | None) -> None:
    """Delete references that were made before a time, within a transaction."""
    old = delete(FORM_REFERENCE).where(FORM_REFERENCE.c.made_at < before)
    connection.execute(old if study is None else old.where(FORM_REFERENCE.c.study == study))
