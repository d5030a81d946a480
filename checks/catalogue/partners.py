"""What a partner's roster says."""

from __future__ import annotations

from checks.catalogue.entry import ERROR, Entry

_IS_ROSTER = "a partner's roster"
PARTNERS = {
    "roster_unknown": Entry(
        ERROR,
        "somebody in a partner's roster whom REDCap does not have",
        "Ask the partner who it is, or enter the participant's id in REDCap.",
        "",
        _IS_ROSTER,
    ),
    "roster_shared": Entry(
        ERROR,
        "a partner's id that several records have",
        "Correct the id in REDCap: each participant has one.",
        "",
        _IS_ROSTER,
    ),
    "roster_contradiction": Entry(
        ERROR,
        "a participant who stands in a partner's roster twice, with different values",
        "Ask the partner which row is right.",
        "",
        _IS_ROSTER,
    ),
    "roster_value": Entry(
        ERROR,
        "a value in a partner's roster for which the field has no choice",
        "Say in `values` of the study's comparison what it means, or add the choice in REDCap.",
        "",
        _IS_ROSTER,
    ),
    "roster_absent": Entry(
        ERROR,
        "a participant with a partner's id whom its roster lacks",
        "Ask the partner whether the participant left, or correct the id in REDCap.",
        "",
        _IS_ROSTER,
    ),
}
