"""Examples: some places of what checks found, with what may stand for participants."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from capstan.plan import KEYS
from capstan.settings import load_settings
from capstan.store import Store, refer_to_all
from capstan.triggers import Place
from capstan.verdict import LINK
from checks.overview.run_stopped import examples_of
from tasks.references import reference_of


def examples_for(
    store: Store,
    study: str,
    *,
    project: tuple[str, int],
    found: pd.DataFrame,
    now: datetime,
) -> pd.DataFrame:
    """Some verdicts of each check, of all that were `found` in a project (host and id).

    A reference stands in the place of the record, and the links lead by way of the receiver, if there is one.
    """
    shown = examples_of(found)
    names = {one: reference_of(store, project=project, record=one) for one in shown["record"].unique() if one}
    links = _staff_links(store, study, project=project, examples=shown, now=now)
    keys = shown[list(KEYS)].itertuples(index=False, name=None)
    told = shown["record"].map(lambda record: names.get(record, "")).astype("str")
    return shown.assign(record=told, **{LINK: [links.get(key, "") for key in keys]})


def _staff_links(
    store: Store, study: str, *, project: tuple[str, int], examples: pd.DataFrame, now: datetime
) -> dict[tuple[str, ...], str]:
    """Addresses that send signed-in staff to the forms of examples, by their keys."""
    public_url, places = load_settings().public_url, examples[examples["record"] != ""][list(KEYS)]
    if not public_url or places.empty:
        return {}
    keys = list(places.drop_duplicates().itertuples(index=False, name=None))
    wanted = [Place(*key) for key in keys]
    found = refer_to_all(store, study, project=project, places=wanted, now=now)
    return {key: f"{public_url}/records/{one}" for key, one in zip(keys, found, strict=True)}
