"""Twilio's refusals: codes with their HTTP status and a sentence (2.6, 2.7)."""

from __future__ import annotations

from typing import Any

_DOCS = "https://www.twilio.com/docs/errors/"
# Statuses of 20009, 21701 and 35xxx are assumed, see the list of known differences in the documentation.
_REFUSALS = {
    20001: (400, "A parameter of the request cannot be used."),
    20003: (401, "Authenticate"),
    20008: (403, "Resource not accessible with Test Account Credentials"),
    20009: (409, "The message is not finished yet."),
    20404: (404, "The requested resource {path} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service is unavailable"),
    21211: (400, "The 'To' number {phone} is not a valid phone number."),
    21212: (
        400,
        "The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID.",
    ),
    21408: (
        400,
        "Sending messages to the region of the 'To' number {phone} is not enabled for this account.",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' or a 'MessagingServiceSid' is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' number {sender} is not an SMS-capable number or short code of this account."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "SMS queue is full."),
    21612: (400, "The 'To' number {phone} is not reachable from the 'From' number {sender}."),
    21614: (400, "To number: {phone}, is not a mobile number"),
    21617: (400, "The message body is longer than 1600 characters."),
    21701: (404, "The Messaging Service does not exist."),
    35111: (400, "A scheduled message needs a 'SendAt' that is a moment in UTC."),
    35114: (400, "The 'ScheduleType' is not known."),
    35115: (400, "'SendAt' must be more than 300 seconds and at most 35 days ahead."),
    35118: (400, "A scheduled message needs a 'MessagingServiceSid'."),
}


_MEANINGS = {
    11200: "the receiver answered with an error, or not in time",
    11205: "no connection to the receiver",
    12100: "the answer is no TwiML document",
    12300: "the answer's content type is no XML",
    14107: "more than 15 replies between two numbers in 30 seconds",
    14109: "more than 10 messages in one answer",
    21211: "no valid phone number",
    21408: "a country that is not enabled",
    21606: "the sender is not the account's",
    21610: "the person opted out",
    21612: "no way from this sender to this number",
    21614: "no mobile number",
    30001: "the service's queue is full",
    30003: "the phone is off or out of reach",
    30004: "the carrier blocked it",
    30005: "the number is not in use",
    30006: "a landline, or a carrier that takes no texts",
    30007: "filtered as spam",
    30008: "the carrier gave no reason",
    30034: "the sender is not registered for A2P 10DLC",
    30036: "it expired in the queue",
    30410: "the carrier did not answer in time",
}


class Refused(Exception):
    """A request that Twilio refuses; `detail` is a second sentence, and waiting helps with `retry_after`.

    `names` has the numbers and the path that its sentence speaks of, as Twilio's do.
    """

    def __init__(self, code: int, *, detail: str = "", retry_after: int = 0, path: str = "") -> None:
        super().__init__(f"refused with {code}")
        self.code, self.detail, self.retry_after = code, detail, retry_after
        self.names = {"path": path, "phone": "", "sender": ""}

    @property
    def status(self) -> int:
        return _REFUSALS[self.code][0]

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        status, sentence = _REFUSALS[self.code]
        message = sentence.format(**self.names)
        told = {"code": self.code, "message": message, "more_info": f"{_DOCS}{self.code}", "status": status}
        return {**told, "detail": self.detail} if self.detail else told


def not_found(path: str) -> Refused:
    """Refuse an address at which there is nothing."""
    return Refused(20404, path=path)


def explain(code: int) -> str | None:
    """Return a message's error text. Real ones change, so ours names its code."""
    return f"The message failed with error {code}: {meaning(code)}." if code else None


def meaning(code: int) -> str:
    """Return in a few words why a message failed, or the post that told of one."""
    return _MEANINGS[code]
