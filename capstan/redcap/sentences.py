"""The sentences that REDCap is known to answer with, and what each of them means to us.

Only a sentence that is listed here may reach an error text, because any other may quote a participant's
value. A `{names}` in a text is filled with names of the project (fields, forms, events), never with values
or record ids. Source: sections A.4, B.3 and D of the protocol notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from capstan.errors import RedcapError, RightMissing, RowsRefused, TokenRefused, UnknownName


class NoFile(RedcapError):
    """The field has no file; callers answer with none."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One known sentence: its pattern, the error that it becomes, and our text for it.

    A group `names` in the pattern holds names that may be shown; `events` holds cells that may be shown
    where they look like event names, and `records` ids that may not be shown.
    """

    pattern: re.Pattern[str]
    error: type[RedcapError]
    text: str


def _known(pattern: str, error: type[RedcapError], text: str) -> Sentence:
    return Sentence(re.compile(pattern, re.DOTALL), error, text)


OUT_OF_MEMORY = re.compile(r"ran out of server memory|Allowed memory size of \d+ bytes exhausted")
NONE_DEFINED = re.compile(
    r"You cannot export (arms|events|form/event mappings) for classic projects"
    r"|You cannot export repeating instruments and events because the project does not contain any"
)
BANNED = re.compile(r"\bbanned\b|\brate.?limit", re.IGNORECASE)

SENTENCES = (
    _known(
        r"You do not have permissions to use the API\.?",
        TokenRefused,
        "the token opens no project: it is mistyped, was deleted or renewed, or its user lost API access",
    ),
    _known(
        r"The REDCap project no longer exists because it was deleted\.?",
        TokenRefused,
        "the project that the token opened was deleted",
    ),
    _known(
        r"You do not have (?P<names>[A-Z][A-Za-z/ ]{2,40}) privileges\.?",
        RightMissing,
        "the token's user lacks the right {names}: ask the project's owner to grant it",
    ),
    _known(
        r"Insufficient user privileges: You must have (?P<names>'[A-Za-z ]+' privileges(?: and '[A-Za-z ]+' "
        r"privileges)*) in the project\.?",
        RightMissing,
        "the token's user needs {names}: ask the project's owner to grant them",
    ),
    _known(
        r"Your user privileges do NOT allow you to create new records\.?",
        RightMissing,
        "the token's user may not create records: ask the project's owner to grant that",
    ),
    _known(
        r'The following values in the parameter "records" are not valid: (?P<records>.*)',
        UnknownName,
        "{count} of the records are not known",
    ),
    _known(
        r'The following values in the parameter "\w+" are not valid: (?P<names>.*)',
        UnknownName,
        "the project has no {names}: compare the study with the data dictionary",
    ),
    _known(
        r"The following fields were not found in the project as real data fields: (?P<names>.*)",
        UnknownName,
        "the project has no fields {names}: nothing was imported",
    ),
    _known(
        r"The following values of redcap_event_name are invalid: (?P<events>.*)",
        UnknownName,
        "the project has no events {names}: nothing was imported",
    ),
    _known(
        r"(?:.*\s)?event '(?P<names>[^']*)' is not available in project.*",
        UnknownName,
        "the project has no event {names}",
    ),
    _known(
        r"The field '(?P<names>[^']*)' does not exist or is not a 'file' field\.?",
        UnknownName,
        "the project has no file field {names}",
    ),
    _known(
        r'The value of the parameter "content" is not valid\.?',
        UnknownName,
        "this REDCap does not know the method: its version is too old or its API is restricted",
    ),
    _known(r"invalid event\.?", UnknownName, "the project has no such event"),
    _known(
        r'The form named "(?P<names>\w+)" is incorrect for the user role .*',
        UnknownName,
        "the project has no form {names}",
    ),
    _known(
        r"One or more of the records provided cannot be deleted because they do not exist in the project\. "
        r"The following records do not exist: (?P<records>.*)",
        RowsRefused,
        "{count} of the records do not exist, so none was deleted",
    ),
    _known(
        r"The record (?P<records>'.*'|\".*\") does not exist\.?(?: It must exist to upload a file\.?)?",
        RowsRefused,
        "the record does not exist",
    ),
    _known(
        r"The requested method is not implemented\.?",
        RedcapError,
        "the call did not arrive as one: the address is probably wrong (for example http where https is due)",
    ),
    _known(
        r"There is no file to download for this record\.?",
        NoFile,
        "the record has no file in that field",
    ),
    _known(
        r"The File Repository folder folder_id=\d+ does not exist .*",
        RedcapError,
        "the folder of the file repository does not exist or is restricted",
    ),
    _known(
        r"The data being imported is not formatted correctly\..*|The data is not in the specified format\.?",
        RedcapError,
        "it could not read the data that was sent as the format that was named",
    ),
    _known(
        r"You must provide some text for 'purpose_other' since you specified 'purpose' as '1' \(Other\)\.?",
        RedcapError,
        "a project with purpose 1 (other) needs a text in purpose_other",
    ),
)

# Reasons of row errors that name fields, forms and events at most: kept word for word.
ROW_REASONS = re.compile(
    r"The value is not a valid category for \w+"
    r"|The value you provided could not be validated because it does not follow the expected format\..*"
    r"|This value you provided is not an? (integer|number)\..*"
    r"|Invalid date format\. \(NOTE: .*\)"
    r"|The value entered must be a time value in the following format .*"
    r"|Email address is not properly formatted\.?"
    r"|This field must be a .*Please re-enter it now\.?"
    r"|This field \('\w+'\) exists on an instrument that is not designated for the event named .*"
    r"|This field \('\w+'\) exists on a Repeating Instrument named .*"
    r"|redcap_repeat_(instrument|instance) (must|cannot) .*"
    r"|This record has been locked at the record level\..*"
    r"|Your user privileges do NOT allow you to create new records\.?",
    re.DOTALL,
)

# An answer with status 200 that begins like this is an error or a page, and no data. XML data begins with
# "<?xml" or "<ODM"; an error in XML follows its prolog at once.
ERROR_START = re.compile(
    rb"\s*(?:\{\s*\"error\"\s*:|ERROR:|<(?!\?xml|ODM)|<\?xml[^>]*>\s*<hash>\s*<error>)", re.IGNORECASE
)
