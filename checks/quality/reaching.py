"""Reaching: whether people can be reached, whether numbers are shared, and what stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.quality.measures import Measure
from capstan.study.quality_expect import Needs
from checks.quality.export import Export, Mask

_MANY = 3
_NO_DIGIT = re.compile(r"[^0-9]")
_PHONE_DIGITS = 7


def measure_contacts(export: Export) -> Iterator[Measure]:
    """Measure of each phone and e-mail field the share that can be used, and that which many people share."""
    for field in export.fields(FieldType.TEXT):
        if field.validation.startswith("phone") or field.validation == "email":
            held = _bare(export, field)
            usable = _is_usable(held, field)
            place = {"form": field.form, "field": field.name}
            asked = np.where(export.started[field.form], usable.astype(float), np.nan)
            yield from export.means("reachable", asked, **place)
            shared = np.where(usable, _shared(export, held).astype(float), np.nan)
            yield from export.means("shared", shared, **place)


def measure_orphans(export: Export, needs: Iterable[Needs] = ()) -> Iterator[Measure]:
    """Measure of each form the share of its rows whose record lacks a form that it needs.

    Every form needs the first one, and what the study file says; `field` is blank for the first one, else
    the form that is needed.
    """
    forms = list(export.dictionary.forms)
    pairs = [(form, forms[0], "") for form in forms[1:]]
    pairs += [(one.form, one.needs, one.needs) for one in needs if {one.form, one.needs} <= set(forms)]
    for form, needed, said in pairs:
        has = np.bincount(export.records[export.started[needed]], minlength=len(export.frame)) > 0
        lacks = np.where(export.started[form], (~has[export.records]).astype(float), np.nan)
        yield from export.means("orphans", lacks, form=form, field=said)


def _bare(export: Export, field: Field) -> pd.Series[str]:
    """What makes two numbers or addresses the same: digits alone, or small letters."""
    column = export.frame[field.name].str.strip()
    if field.validation == "email":
        return column.str.lower()
    return column.str.replace(_NO_DIGIT, "", regex=True)


def _is_usable(held: pd.Series[str], field: Field) -> Mask:
    if field.validation == "email":
        return held.str.contains("@", regex=False).to_numpy(dtype=bool)
    return (held.str.len() >= _PHONE_DIGITS).to_numpy(dtype=bool)


def _shared(export: Export, held: pd.Series[str]) -> Mask:
    """Which rows hold what the rows of at least three records hold; a family of two is none."""
    owners = pd.Series(export.records).groupby(held.to_numpy()).transform("nunique")
    return np.asarray(owners.to_numpy() >= _MANY)
