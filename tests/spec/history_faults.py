"""Faults that befall a growing project on a night, each with the kind of expectation that is to find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.plan import KEY_NAMES
from capstan.quality.expected import Kind
from tests.spec.history_dictionary import LOG
from tests.spec.project_history import FAULT_NIGHT, History

SITE = "redcap_data_access_group"


class Fault(NamedTuple):
    """A fault, the kinds that may find it, and within how many nights.

    It needs so many sites, a form that repeats, or people who enrol.
    """

    name: str
    kinds: frozenset[Kind]
    nights: int
    befall: Callable[[History], History]
    sites: int = 0
    repeats: bool = False
    enrols: bool = False


def _at_site(history: History) -> np.ndarray:
    """The rows of the busiest site, or all without sites."""
    if SITE not in history.rows:
        return np.ones(len(history.rows), dtype=bool)
    return (history.rows[SITE] == history.busiest).to_numpy()


def _since(history: History) -> np.ndarray:
    return (history.rows["_entered"] >= FAULT_NIGHT).to_numpy()


def _chance(history: History, share: float) -> np.ndarray:
    return np.random.default_rng(7).random(len(history.rows)) < share


def _with(history: History, where: np.ndarray, **cells: object) -> History:
    rows = history.rows.copy()
    for name, value in cells.items():
        told = value[where] if isinstance(value, np.ndarray) else value
        rows.loc[where, name] = told
    return history.changed(rows)


def _numbers(history: History, name: str, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    values = pd.to_numeric(history.rows[name]).to_numpy(dtype="float64")
    changed = change(values)
    return np.array(["" if np.isnan(one) else f"{one:g}" for one in changed], dtype=object)


def site_stops(history: History) -> History:
    return history.changed(history.rows[~(_at_site(history) & _since(history))])


def site_vanishes(history: History) -> History:
    return _with(history, _at_site(history), _gone=FAULT_NIGHT)


def records_are_lost(history: History) -> History:
    lost = history.rows["record_id"].isin(history.rows["record_id"].unique()[::7]).to_numpy()
    return _with(history, lost & ~_since(history), _gone=FAULT_NIGHT)


def mean_drifts(history: History) -> History:
    """A scale that gains a kilogram each night."""
    late = np.maximum(history.rows["_entered"].to_numpy(dtype="float64") - FAULT_NIGHT, 0)
    return _with(
        history, _since(history), number_0=_numbers(history, "number_0", lambda old: old + 1.5 * late)
    )


def unit_changes(history: History) -> History:
    pounds = _numbers(history, "number_0", lambda old: np.round(old * 2.2046, 1))
    return _with(history, _at_site(history) & _since(history), number_0=pounds)


def spread_grows(history: History) -> History:
    wide = _numbers(history, "number_0", lambda old: np.round(75 + 4 * (old - 75), 1))
    return _with(history, _since(history), number_0=wide)


def value_is_constant(history: History) -> History:
    where = _at_site(history) & _since(history) & (history.rows["number_0"] != "").to_numpy()
    return _with(history, where, number_0="76.5")


def digits_are_rounded(history: History) -> History:
    tens = _numbers(history, "number_3", lambda old: np.round(old / 10) * 10)
    return _with(history, _at_site(history) & _since(history), number_3=tens)


def codes_shift(history: History) -> History:
    where = _since(history) & _chance(history, 0.7) & (history.rows["code_1"] != "").to_numpy()
    return _with(history, where, code_1="3")


def form_is_not_completed(history: History) -> History:
    return _with(history, _at_site(history) & _since(history) & _chance(history, 0.7), _done=10**6)


def fields_are_left_blank(history: History) -> History:
    where = _since(history) & _chance(history, 0.7)
    return _with(history, where, **{f"code_{n}": "" for n in range(history.shape.codes)})


def enrolments_are_skipped(history: History) -> History:
    """Rows come without the first form: follow-ups of nobody."""
    where = _since(history) & _chance(history, 0.8)
    blank = dict.fromkeys(["enrolled", "born", "phone", "mail", "enrol_complete"], "")
    return _with(history, where, **blank)


def imports_are_repeated(history: History) -> History:
    """The records of a site once more, under other ids."""
    copy = history.rows[_at_site(history) & ~_since(history)]
    twice = copy.assign(record_id="9" + copy["record_id"], _entered=FAULT_NIGHT, _done=FAULT_NIGHT)
    return history.changed(pd.concat([history.rows, twice], ignore_index=True))


def instances_are_repeated(history: History) -> History:
    """A third of the calls once more, as further instances."""
    calls = history.rows[(history.rows[KEY_NAMES[1]] == LOG).to_numpy() & ~_since(history)]
    copy = calls[_chance(history.changed(calls), 0.33)]
    number = (copy[KEY_NAMES[2]].astype(int) + 500).astype(str)
    twice = copy.assign(**{KEY_NAMES[2]: number}, _entered=FAULT_NIGHT, _done=FAULT_NIGHT)
    return history.changed(pd.concat([history.rows, twice], ignore_index=True))


def days_and_months_swap(history: History) -> History:
    dates = history.rows["visit_date"]
    swapped = np.array([_swapped(text) for text in dates], dtype=object)
    return _with(history, _since(history), visit_date=swapped)


def dates_shift(history: History) -> History:
    shifted = np.array([_moved(text, days=-60) for text in history.rows["visit_date"]], dtype=object)
    return _with(history, _at_site(history) & _since(history), visit_date=shifted)


def dates_are_overwritten(history: History) -> History:
    """What a site has entered so far gets other dates in one night."""
    return _overwritten(history, visit_date=lambda text: _moved(text, days=30))


def statuses_are_reset(history: History) -> History:
    return _overwritten(history, visit_complete=lambda text: text and "0")


def _overwritten(history: History, **cells: Callable[[str], str]) -> History:
    former = history.rows[_at_site(history) & ~_since(history)]
    after = former.assign(_entered=FAULT_NIGHT, **{name: former[name].map(of) for name, of in cells.items()})
    gone = history.rows["_gone"].mask(history.rows.index.isin(former.index), FAULT_NIGHT)
    return history.changed(pd.concat([history.rows.assign(_gone=gone), after], ignore_index=True))


def phones_are_missing(history: History) -> History:
    return _with(history, _since(history) & _chance(history, 0.7), phone="")


def phones_are_shared(history: History) -> History:
    where = _since(history) & _chance(history, 0.6) & (history.rows["phone"] != "").to_numpy()
    return _with(history, where, phone="5035559999")


def messages_fail(history: History) -> History:
    return replace(history, tally=lambda night: 0.9 if night < FAULT_NIGHT else 0.3)


def _swapped(text: str) -> str:
    if not text:
        return ""
    day = date.fromisoformat(text)
    return day.replace(month=day.day, day=day.month).isoformat() if day.day <= 12 else text


def _moved(text: str, *, days: int) -> str:
    return (date.fromisoformat(text) + timedelta(days=days)).isoformat() if text else ""


def _of(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


FAULTS = (
    Fault("site stops", _of(Kind.FRESHNESS), 21, site_stops),
    Fault("site vanishes", _of(Kind.VOLUME), 2, site_vanishes, sites=2),
    Fault("records are lost", _of(Kind.VOLUME), 2, records_are_lost),
    Fault("mean drifts", _of(Kind.DRIFT), 28, mean_drifts),
    Fault("unit changes", _of(Kind.DRIFT), 28, unit_changes),
    Fault("spread grows", _of(Kind.DRIFT), 28, spread_grows),
    Fault("value is constant", _of(Kind.DRIFT), 28, value_is_constant),
    Fault("digits are rounded", _of(Kind.DRIFT), 28, digits_are_rounded),
    Fault("codes shift", _of(Kind.DRIFT), 28, codes_shift),
    Fault("form is not completed", _of(Kind.COMPLETENESS), 28, form_is_not_completed),
    Fault("fields are left blank", _of(Kind.COMPLETENESS), 28, fields_are_left_blank),
    Fault("enrolments are skipped", _of(Kind.REFERENTIAL), 28, enrolments_are_skipped, enrols=True),
    Fault("imports are repeated", _of(Kind.DUPLICATES), 2, imports_are_repeated),
    Fault("instances are repeated", _of(Kind.DUPLICATES), 2, instances_are_repeated, repeats=True),
    Fault("days and months swap", _of(Kind.DATES), 28, days_and_months_swap),
    Fault("dates shift", _of(Kind.DATES), 28, dates_shift),
    Fault("dates are overwritten", _of(Kind.DATES), 2, dates_are_overwritten, sites=2),
    Fault("statuses are reset", _of(Kind.COMPLETENESS), 2, statuses_are_reset),
    Fault("phones are missing", _of(Kind.CONTACT), 28, phones_are_missing, enrols=True),
    Fault("phones are shared", _of(Kind.CONTACT), 28, phones_are_shared, enrols=True),
    Fault("messages fail", _of(Kind.DELIVERY), 28, messages_fail),
)

NAMED = frozenset(
    {"site stops", "mean drifts", "form is not completed", "imports are repeated", "dates shift"}
)
"""The faults that every project must hear of, of whatever shape it is."""


def faults_of(history: History) -> list[Fault]:
    """The faults that a project of this shape can have."""
    shape = history.shape
    return [
        one
        for one in FAULTS
        if shape.sites >= one.sites
        and (shape.repeats or not one.repeats)
        and (not shape.at_once or not one.enrols)
    ]
