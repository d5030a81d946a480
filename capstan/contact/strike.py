"""Strikes contacts off a list by a rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def strike(
    contacts: pd.DataFrame, struck: npt.NDArray[np.bool_] | pd.Series[bool], *, rule: str
) -> pd.DataFrame:
    """Remove contacts by a rule; those that another rule removed before keep that one."""
    said = contacts["rule"].to_numpy(dtype=object)
    return contacts.assign(rule=np.where((said == "") & np.asarray(struck), rule, said))
