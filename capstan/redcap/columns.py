"""The columns of REDCap's small tables, for the answers that have no rows to show them."""

from __future__ import annotations

INSTRUMENTS = ("instrument_name", "instrument_label")
FIELD_NAMES = ("original_field_name", "choice_value", "export_field_name")
ARMS = ("arm_num", "name")
EVENTS = ("event_name", "arm_num", "unique_event_name", "custom_event_label", "event_id")
MAPPING = ("arm_num", "unique_event_name", "form")
REPEATING = ("event_name", "form_name", "custom_form_label")
LOG = ("timestamp", "username", "action", "details", "record")
