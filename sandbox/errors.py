"""REDCap's refusals: status codes and exact texts (A.4, D)."""

from __future__ import annotations

from collections.abc import Iterable

NO_ACCESS = "You do not have permissions to use the API"
DELETED = "The REDCap project no longer exists because it was deleted."
NO_IMPORT = "You do not have API Import/Update privileges"
NO_EXPORT = "You do not have API Export privileges"
NO_DELETE = "You do not have Delete Record privileges"
NO_CREATE = "Your user privileges do NOT allow you to create new records."
NO_GROUPS = (
    "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' "
    "privileges in the project."
)
OUT_OF_MEMORY = (
    "REDCap ran out of server memory. The request cannot be processed. "
    "Please try importing/exporting a smaller amount of data."
)
NO_METHOD = "The requested method is not implemented."
BAD_CONTENT = 'The value of the parameter "content" is not valid'
BAD_FORMAT = "The data is not in the specified format."
BAD_JSON = (
    "The data being imported is not formatted correctly. PHP error from JSON decoder: Syntax error. "
    "The JSON must be in an array, as in [{ ... }]."
)
NO_REPEATS = (
    "You cannot export repeating instruments and events because the project does not contain any "
    "repeating instruments and events"
)
PURPOSE_TEXT = "You must provide some text for 'purpose_other' since you specified 'purpose' as '1' (Other)."
PRODUCTION = "You cannot import {what} because the project is not in Development status."


class ApiError(Exception):
    """A refusal with its status code; the text is what REDCap answers."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def not_in_classic(what: str) -> ApiError:
    return ApiError(f"You cannot export {what} for classic projects")


def bad_values(parameter: str, values: Iterable[str]) -> ApiError:
    quoted = ", ".join(f"'{value}'" for value in values)
    return ApiError(f'The following values in the parameter "{parameter}" are not valid: {quoted}')


def not_an_array(parameter: str) -> ApiError:
    return ApiError(
        f'ERROR: The "{parameter}" parameter has been provided with a value, but the value is not an array. '
        f'The "{parameter}" parameter must be provided as an array of one or more values.'
    )


def missing_records(records: Iterable[str]) -> ApiError:
    return ApiError(
        "One or more of the records provided cannot be deleted because they do not exist in the project. "
        f"The following records do not exist: {', '.join(records)}"
    )


def unknown_fields(names: Iterable[str]) -> ApiError:
    return ApiError(
        f"The following fields were not found in the project as real data fields: {', '.join(names)}"
    )


def unknown_events(names: Iterable[str]) -> ApiError:
    return ApiError(f"The following values of redcap_event_name are invalid: {', '.join(names)}")


def bad_logic() -> ApiError:
    # No recording has this text (J.1).
    return ApiError('The value of the parameter "filterLogic" is not valid logic.')
