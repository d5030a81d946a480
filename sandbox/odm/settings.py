"""The settings of project XML: their order, what they hold when nothing was set, and since when (E.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class _Setting(NamedTuple):
    """`default` is None for what is written only where it was given."""

    default: str | None = ""
    since: tuple[int, ...] = (0,)


# Recorded are 8.1, 8.5, 9.1 and 14.7; what lies between the last two is taken for new in 10.
_SETTINGS = {
    "RecordAutonumberingEnabled": _Setting("0"),
    "CustomRecordLabel": _Setting(),
    "SecondaryUniqueField": _Setting(),
    "SecondaryUniqueFieldDisplayValue": _Setting("1", (10,)),
    "SecondaryUniqueFieldDisplayLabel": _Setting("1", (10,)),
    "SchedulingEnabled": _Setting("0"),
    "SurveysEnabled": _Setting("0", (9,)),
    "SurveyInvitationEmailField": _Setting("", (9,)),
    "RandomizationEnabled": _Setting("0", (10,)),
    "DisplayTodayNowButton": _Setting("1", (10,)),
    "PreventBranchingEraseValues": _Setting("0", (10,)),
    "RequireChangeReason": _Setting("0", (10,)),
    "DataHistoryPopup": _Setting("1", (10,)),
    "OrderRecordsByField": _Setting("", (10,)),
    "taskCompleteStatus": _Setting("0", (10,)),
    "MyCapEnabled": _Setting("0", (13,)),
    "Purpose": _Setting("0"),
    "PurposeOther": _Setting(),
    "ProjectNotes": _Setting(),
    "SurveyAuthEnabled": _Setting(None),
    "SurveyAuthField1": _Setting(None),
    "SurveyAuthEvent1": _Setting(None),
    "SurveyAuthField2": _Setting(None),
    "SurveyAuthEvent2": _Setting(None),
    "SurveyAuthField3": _Setting(None),
    "SurveyAuthEvent3": _Setting(None),
    "SurveyAuthMinFields": _Setting(None),
    "SurveyAuthApplyAllSurveys": _Setting(None),
    "SurveyAuthCustomMessage": _Setting(None),
    "SurveyAuthFailLimit": _Setting(None),
    "SurveyAuthFailWindow": _Setting(None),
    "MissingDataCodes": _Setting("", (10,)),
    "ProtectedEmailMode": _Setting("0", (12,)),
    "ProtectedEmailModeCustomText": _Setting("", (12,)),
    "ProtectedEmailModeTrigger": _Setting("ALL", (12,)),
    "ProtectedEmailModeLogo": _Setting("", (12,)),
}


def written_settings(settings: Mapping[str, str], version: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Yield elements and their texts; what no recording has comes last, in the order it came in."""
    for tag, (default, since) in _SETTINGS.items():
        if tag in settings:
            yield tag, settings[tag]
        elif default is not None and version >= since:
            yield tag, default
    # Settings with an underscore are the API's own and not part of project XML.
    yield from ((tag, text) for tag, text in settings.items() if tag not in _SETTINGS and "_" not in tag)
