"""The sandbox's pages of phones as a person uses them: mouse, keyboard, a phone's width, no script."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from sandbox.server import Running

PHONE, NUMBER = "+12065550160", "+15005550006"
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>'\"{{7*7}}"


def control(server: Running, path: str, body: Any = None) -> Any:
    answer = requests.post(server.control_url + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def text_to(server: Running, phone: str, body: str) -> int:
    """Send a text as a study does; returns the status of the answer."""
    found = server.addresses()
    account, token = str(found["twilio_account_sid"]), str(found["twilio_auth_token"])
    url = f"{found['twilio_url']}/2010-04-01/Accounts/{account}/Messages.json"
    fields = {"To": phone, "From": NUMBER, "Body": body, "StatusCallback": f"{server.base_url}gone#rc=0"}
    return requests.post(url, data=fields, auth=(account, token), timeout=9).status_code


@pytest.fixture(autouse=True)
def _at_noon(server: Running) -> None:
    control(server, "reset")
    control(server, "freeze", {"at": "2026-06-01T12:00:00Z"})


def open_phone(page: Page, server: Running, phone: str = PHONE) -> None:
    page.goto(f"{server.control_url}messages/phone?number={phone.replace('+', '%2B')}")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_text_arrives_is_read_and_answered(page: Page, server: Running) -> None:
    text_to(server, PHONE, "Will you come?")
    page.goto(f"{server.control_url}")
    page.get_by_role("link", name="Phones").click()
    press(page, "Advance until nothing is pending")
    expect(page.get_by_role("row", name=PHONE)).to_contain_text("1 unread")

    page.get_by_role("link", name=PHONE).click()
    page.get_by_label("Text", exact=True).fill("Yes, at 3 pm.")
    press(page, "Send")

    expect(page.get_by_role("listitem").last).to_contain_text("Yes, at 3 pm.")
    page.get_by_role("link", name="All phones").click()
    expect(page.get_by_role("row", name=PHONE)).to_contain_text("They: Yes, at 3 pm.")
    expect(page.get_by_role("row", name=PHONE)).not_to_contain_text("unread")


def test_somebody_writes_first_with_the_keyboard_alone(page: Page, server: Running) -> None:
    page.goto(f"{server.control_url}messages")
    page.get_by_label("Its number").focus()
    page.keyboard.type("(206) 555-0160")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=PHONE)).to_be_visible()
    # Once it is loaded whole, the browser goes to the end of the talk, and takes the focus along.
    page.wait_for_load_state()
    page.get_by_label("To", exact=True).focus()

    page.keyboard.press("Tab")
    page.keyboard.type("Hello, is this the study?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("listitem").first).to_contain_text("Hello, is this the study?")


def test_a_button_stops_messages_and_another_starts_them(page: Page, server: Running) -> None:
    open_phone(page, server)

    press(page, "STOP")
    expect(page.get_by_text("opted out of")).to_be_visible()
    refused = text_to(server, PHONE, "Hello")
    press(page, "START")
    expect(page.get_by_text("opted out of")).to_have_count(0)

    assert (refused, text_to(server, PHONE, "Hello")) == (400, 201)


def test_a_phone_that_is_off_gets_nothing_and_says_why(page: Page, server: Running) -> None:
    open_phone(page, server)
    press(page, "Phone off (30003)")
    text_to(server, PHONE, "Hello")

    press(page, "Jump 1 h")

    expect(page.get_by_role("listitem").first).to_contain_text("30003: the phone is off or out of reach")
    press(page, "As its number says")
    expect(page.get_by_text("messages to it arrive")).to_be_visible()


def test_the_clock_jumps_to_the_phones_own_morning(page: Page, server: Running) -> None:
    open_phone(page, server)
    expect(page.get_by_text("for this phone it is Mon 05:00")).to_be_visible()

    press(page, "Jump to 9:00 there")

    expect(page.get_by_text("for this phone it is Mon 09:00")).to_be_visible()
    press(page, "×60")
    expect(page.get_by_text("60 times as fast as time")).to_be_visible()
    press(page, "The computer's time")
    expect(page.get_by_text("60 times as fast as time")).to_have_count(0)


def test_webhooks_say_what_was_tried_and_signed(page: Page, server: Running) -> None:
    text_to(server, PHONE, "Hello")
    open_phone(page, server)
    press(page, "Advance until nothing is pending")

    page.get_by_role("link", name="webhooks").click()
    page.get_by_text("fields and the signature").first.click()

    expect(page.get_by_text("X-Twilio-Signature").first).to_be_visible()
    expect(page.get_by_role("listitem").first).to_contain_text("11200")


def test_planted_markup_stays_text_on_every_page(page: Page, server: Running) -> None:
    text_to(server, PHONE, EVIL)
    control(server, "inbound", {"from": PHONE, "to": NUMBER, "body": EVIL})
    for path in ("messages", "messages/phone?number=%2B12065550160", "messages/webhooks"):
        page.goto(server.control_url + path)
        expect(page.locator("img")).to_have_count(0)

    open_phone(page, server)

    expect(page.get_by_role("listitem").last).to_contain_text(EVIL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phones_width_and_says_sandbox(page: Page, server: Running, scheme: Any) -> None:
    text_to(server, PHONE, "Averylongwordthatnobodywouldeverwrite" * 9)
    control(server, "advance", {"seconds": 60})
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    overhangs = []
    for path in ("messages", "messages/phone?number=%2B12065550160", "messages/webhooks"):
        page.goto(server.control_url + path)
        expect(page.get_by_text("SANDBOX: nothing is sent").first).to_be_visible()
        overhangs.append(page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    assert overhangs == [0, 0, 0]


def test_a_conversation_can_refresh_by_itself_while_nobody_types(page: Page, server: Running) -> None:
    open_phone(page, server)
    page.get_by_role("link", name="Refresh every 5 s").click()
    text_to(server, PHONE, "Look!")

    expect(page.get_by_role("listitem").first).to_contain_text("Look!", timeout=15_000)
    page.get_by_role("link", name="Stop refreshing to write").click()
    expect(page.get_by_label("Text", exact=True)).to_be_editable()
