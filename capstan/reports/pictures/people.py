"""Pictures of people: who came over time, and which visits are due, and in their windows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from capstan.overview import NO_DATE
from capstan.reports.palette import GREY, NOTHING, ON_PALE, ORANGE, ORANGES, PLUM, TEAL, shade
from capstan.reports.pictures.marks import Chart, bars, beside, heat, named, stacked
from capstan.reports.pictures.over_time import against_target

_MANY, _SITES = 60, 20
_LATE, _LATER = "overdue", "later"
_PLACINGS = {"early": PLUM, "in window": TEAL, "late": ORANGE, "missed": GREY}


def enrolment(table: pd.DataFrame, *, width: int) -> Chart:
    """Everybody enrolled over time against the target, and how many at each site."""
    names = table.assign(site=named(table["site"], blank="no site"))
    sites = names.groupby("site", as_index=False).agg(enrolled=("enrolled", "sum"))
    by_site = sites.sort_values(by=["enrolled", "site"], ascending=[False, True])
    others = by_site.iloc[_SITES:]
    rest = f"; {len(others):,} more have {others['enrolled'].sum():,}" if len(others) else ""
    told = f"Enrolled by site{rest}"
    where = bars(by_site.head(_SITES), label="site", value="enrolled", width=width, title=told)
    dated = table[table["week"] != NO_DATE]
    if dated.empty:
        return where
    over_time = against_target(dated, width=width)
    return over_time if len(sites) < 2 else beside(over_time, where)


def calendar(table: pd.DataFrame, *, width: int) -> Chart:
    """What is overdue, what falls due in each of the coming weeks, and what later, by site."""
    rows = table.assign(week=pd.to_datetime(table["week"]), site=named(table["site"], blank="no site"))
    is_late = rows["status"] == _LATE
    coming = rows.loc[~is_late, "week"]
    weeks = [*pd.date_range(coming.min(), coming.max(), freq="7D")] if len(coming) else []
    weeks = weeks[: 12 if width > 600 else 4]
    words = {week: f"{week.day} {week:%b}" for week in weeks}
    rows = rows.assign(across=rows["week"].map(words).fillna(_LATER).mask(is_late, _LATE))
    counts = rows.groupby(["site", "across"], as_index=False)["visits"].sum()
    counts = counts[counts["visits"] > 0]
    # A week is compared with weeks, and all that is later with what is later elsewhere.
    kinds = counts["across"].where(counts["across"].isin([_LATE, _LATER]), "")
    most = counts.groupby(kinds)["visits"].transform("max")
    shares = zip(counts["visits"] / most, counts["across"] == _LATE, strict=True)
    shades = [shade(share, ramp=ORANGES) if late else shade(share) for share, late in shares]
    cells = counts.assign(
        down=counts["site"],
        words=counts["visits"].map("{:,}".format),
        colour=[each[0] for each in shades],
        ink=[each[1] for each in shades],
    )
    columns = [_LATE, *words.values(), *([_LATER] if _LATER in set(rows["across"]) else [])]
    down = sorted(set(rows["site"]))[:_MANY]
    cells = cells[cells["down"].isin(down)]
    return heat(
        cells, down=down, across=columns, width=width, meaning="The stronger the colour, the more visits."
    )


def windows(table: pd.DataFrame, *, width: int) -> Chart:
    """How each visit kept to its window."""
    rows = table.assign(visit=named(table["visit"], blank="no name"))
    counts = rows.groupby(["visit", "placing"], as_index=False, sort=False)["visits"].sum()
    counts = counts[counts["visit"].isin(counts["visit"].unique()[:_MANY])]
    look: dict[str, Any] = {"label": "visit", "part": "placing", "value": "visits", "colours": _PLACINGS}
    return stacked(counts, **look, width=width, as_share=True)


def completeness(table: pd.DataFrame, *, width: int) -> Chart:
    """The share of complete forms by form and event, over all sites; of many, those that lack most."""
    counts = table.assign(event=named(table["event"], blank="all"))
    counts = counts.groupby(["form", "event"], as_index=False, sort=False)[["expected", "complete"]].sum()
    for part, most in (("form", _MANY), ("event", _MANY // 2)):
        lacking = (counts["expected"] - counts["complete"]).groupby(counts[part], sort=False).sum()
        counts = counts[counts[part].isin(lacking.nlargest(most).index)]
    shares = (counts["complete"] / counts["expected"].where(counts["expected"] > 0)).clip(0, 1)
    shades: list[tuple[str, str]] = [
        (NOTHING, ON_PALE) if pd.isna(share) else shade(_stretched(share)) for share in shares
    ]
    cells = counts.assign(
        down=counts["form"],
        across=counts["event"],
        words=["–" if pd.isna(share) else f"{int(100 * share)}%" for share in shares],
        colour=[colour for colour, _ in shades],
        ink=[ink for _, ink in shades],
    )
    down, across = (list(dict.fromkeys(counts[part])) for part in ("form", "event"))
    meaning = "The stronger the colour, the more is complete."
    return heat(cells, down=down, across=across, width=width, meaning=meaning)


def _stretched(share: float) -> float:
    """Spread the upper half over the ramp: what falls short of complete is what people look for."""
    return max(0.0, (share - 0.5) * 2)
