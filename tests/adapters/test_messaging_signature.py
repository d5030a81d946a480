"""Webhooks: what Twilio signed for our account is taken, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import pytest

from capstan.messaging import Refusal, read_webhook
from capstan.messaging.signature import MAX_BODY_BYTES, is_signed

TOKEN, OLDER = "5f4dcc3b5aa765d61d8327deb882cf99", "202cb962ac59075b964b07152d234b70"
ACCOUNT = f"AC{'0' * 8}{'d' * 24}"
URL = "https://study.example.org/capstan/twilio/status?m=0a1b2c"
FORM = {"AccountSid": ACCOUNT, "MessageSid": f"SM{'1' * 32}", "Body": "Zoë 👍 & more = 100 %", "Empty": ""}


def sign(url: str, form: Any, token: str = TOKEN, digest: Any = hashlib.sha1) -> str:
    """Twilio's rule, written down once more: the address, then names and values in the order of names."""
    pairs = sorted(set(form.items() if isinstance(form, dict) else form))
    text = url + "".join(name + value for name, value in pairs)
    return base64.b64encode(hmac.new(token.encode(), text.encode(), digest).digest()).decode()


def read(url: str = URL, body: bytes | None = None, **changes: Any) -> Any:
    given = {"signature": sign(URL, FORM), "account": ACCOUNT, "tokens": [TOKEN]} | changes
    return read_webhook(url, urlencode(FORM).encode() if body is None else body, **given)


def test_a_form_that_twilio_signed_is_taken_with_its_blank_fields() -> None:
    assert read() == FORM


def test_the_published_example_holds() -> None:
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert is_signed(url, form, signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=", tokens=["12345"])


def test_a_token_that_was_just_replaced_is_still_known() -> None:
    signature = sign(URL, FORM, OLDER)

    assert read(signature=signature) is Refusal.WRONG_SIGNATURE
    assert read(signature=signature, tokens=[TOKEN, OLDER]) == FORM


def test_a_blank_token_opens_nothing() -> None:
    assert read(signature=sign(URL, FORM, ""), tokens=[""]) is Refusal.WRONG_SIGNATURE


def test_a_shared_key_signs_as_its_header_says() -> None:
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    signature = sign(URL, FORM, digest=hashlib.sha256)

    assert read(signature=signature, settings=settings) == FORM
    assert read(signature=signature) is Refusal.WRONG_SIGNATURE
    assert read(signature=signature, settings="algorithm=NONE") is Refusal.WRONG_SIGNATURE


@pytest.mark.parametrize("signature", [None, ""])
def test_a_webhook_without_signature_is_refused(signature: str | None) -> None:
    assert read(signature=signature) is Refusal.UNSIGNED


def test_another_account_is_refused_though_its_signature_holds() -> None:
    form = FORM | {"AccountSid": f"AC{'9' * 32}"}

    refused = read(body=urlencode(form).encode(), signature=sign(URL, form))

    assert refused is Refusal.WRONG_ACCOUNT


def test_a_form_without_account_is_refused() -> None:
    assert read(body=b"", signature=sign(URL, {})) is Refusal.WRONG_ACCOUNT


def test_an_account_that_stands_twice_is_the_first_one() -> None:
    pairs = [("AccountSid", f"AC{'9' * 32}"), ("AccountSid", ACCOUNT)]

    assert read(body=urlencode(pairs).encode(), signature=sign(URL, pairs)) is Refusal.WRONG_ACCOUNT


@pytest.mark.parametrize(("more", "taken"), [(0, False), (-1, True)])
def test_a_body_of_more_than_64_kib_is_refused_before_it_is_read(more: int, taken: bool) -> None:
    rest = MAX_BODY_BYTES + 1 + more - len(f"AccountSid={ACCOUNT}&Body=")
    form = {"AccountSid": ACCOUNT, "Body": "x" * rest}

    answer = read(body=urlencode(form).encode(), signature=sign(URL, form))

    assert answer == (form if taken else Refusal.TOO_LARGE)


@pytest.mark.parametrize("body", [b"Body=\xff", b"Body=%ff", "Body=é".encode(), b"&".join([b"a=1"] * 501)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    assert read(body=body) is Refusal.UNREADABLE


OTHER_ADDRESSES = [
    URL.replace("https:", "http:"),
    URL.replace("/status?", "/status/?"),
    URL + "&n=1",
    URL.replace("study.", "Study."),
    URL.replace("0a1b2c", "0a1b2d"),
]


@pytest.mark.parametrize("url", OTHER_ADDRESSES)
def test_another_address_is_refused(url: str) -> None:
    assert read(url) is Refusal.WRONG_SIGNATURE


@pytest.mark.parametrize("url", [URL, URL + "#rc=5&rp=all", URL.replace("example.org", "example.org:443")])
def test_the_port_that_goes_without_saying_and_the_fragment_do_not_count(url: str) -> None:
    assert read(url) == FORM


def test_a_changed_a_lost_and_a_further_field_are_refused() -> None:
    for form in (FORM | {"Body": "STOP"}, {n: v for n, v in FORM.items() if v}, FORM | {"To": "+1"}):
        assert read(body=urlencode(form).encode()) is Refusal.WRONG_SIGNATURE
