"""Pictures of the work: messages, findings, runs, triggers and expectations."""

from __future__ import annotations

import pandas as pd

from capstan.reports.palette import BLUE, BLUES, GREY, ORANGE, PLUM, SAND, TEAL
from capstan.reports.pictures.marks import Chart, bars, beside, stacked

_MANY = 15
_STAGES = ("planned", "suppressed", "sent", "delivered", "failed", "unknown")
_AGES = dict(
    zip(
        ("under 1 day", "1 to 7 days", "7 to 30 days", "over 30 days"),
        (BLUES[1], BLUES[2], BLUES[3], ORANGE),
        strict=True,
    )
)
_RESULTS = {"passed": TEAL, "failed": ORANGE, "raised": PLUM, "waiting": GREY}
_TRIGGERS = {"received": BLUE, "late": SAND, "missed": ORANGE, "duplicate": GREY}


def messages(table: pd.DataFrame, *, width: int) -> Chart:
    """How many messages came to each stage, and why others did not."""
    sums = table.groupby("stage")["count"].sum()
    stages = pd.DataFrame([(name, int(sums.get(name, 0))) for name in _STAGES], columns=["stage", "count"])
    funnel = bars(stages, label="stage", value="count", width=width)
    why = table[table["stage"].isin(["suppressed", "failed"]) & (table["reason"] != "")]
    why = why.assign(why=why["stage"] + ": " + why["reason"]).groupby("why", as_index=False)[["count"]].sum()
    if why.empty:
        return funnel
    reasons = why.nlargest(_MANY, "count")
    return beside(
        funnel, bars(reasons, label="why", value="count", width=width, colour=ORANGE, title="Why not")
    )


def findings(table: pd.DataFrame, *, width: int) -> Chart:
    """Open findings by check and age, the most first."""
    rows = table.assign(check=table["check"].str.replace("_", " "))
    most = rows.groupby("check")["open"].sum().nlargest(_MANY)
    counts = rows[rows["check"].isin(most.index)].groupby(["check", "age"], as_index=False)[["open"]].sum()
    ranked = _ranked(counts, by="check", order=most.index)
    return stacked(ranked, label="check", part="age", value="open", colours=_AGES, width=width)


def runs(table: pd.DataFrame, *, width: int) -> Chart:
    """What each of the last runs wrote, and stopped."""
    last = table.assign(started=pd.to_datetime(table["started"], utc=True)).nlargest(_MANY, "started")
    begun = last["started"].dt.strftime("%d %b %H:%M")
    last = last.assign(label=begun + ", " + last["flow"].astype(str).str.replace("_", " "))
    last = last.groupby("label", as_index=False, sort=False)[["cells_written", "rows_stopped"]].sum()
    wrote = bars(last, label="label", value="cells_written", width=width, title="Cells written")
    halted = last[last["rows_stopped"] > 0]
    if halted.empty:
        return wrote
    stopped = bars(
        halted, label="label", value="rows_stopped", width=width, colour=ORANGE, title="Rows stopped"
    )
    return beside(wrote, stopped)


def triggers(table: pd.DataFrame, *, width: int) -> Chart:
    """What became of data entry triggers, in each span of time."""
    rows = table.assign(until=table["until"].astype(str).str.slice(0, 10)).tail(_MANY)
    long = rows.melt("until", value_vars=list(_TRIGGERS), var_name="kind", value_name="triggers")
    return stacked(long, label="until", part="kind", value="triggers", colours=_TRIGGERS, width=width)


def quality(table: pd.DataFrame, *, width: int) -> Chart:
    """How many expectations of each kind passed."""
    counts = table.groupby(["kind", "result"]).size().rename("count").reset_index()
    return stacked(counts, label="kind", part="result", value="count", colours=_RESULTS, width=width)


def _ranked(counts: pd.DataFrame, *, by: str, order: pd.Index) -> pd.DataFrame:
    rank = {name: at for at, name in enumerate(order)}
    return counts.iloc[counts[by].map(rank).argsort(kind="stable")]
