"""The receiver's pages as staff use them: a link by mail, one button, and the form in REDCap."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect
from served_receiver import PUBLIC, Served, serving_receiver

from sandbox.server import Running


# Before the browser, whose driver takes this thread's event loop.
@pytest.fixture(scope="module", autouse=True)
def mail() -> Iterator[Running]:
    with Running(smtp_port=0) as running:
        yield running


@pytest.fixture
def receiver(mail: Running, tmp_path: Any) -> Iterator[Served]:
    requests.delete(f"{mail.control_url}mails", timeout=10)
    # The form is a page of the sandbox, so that the browser leaves this computer for nothing.
    with serving_receiver(tmp_path, smtp=str(mail.smtp), redcap=mail.redcap_url) as served:
        yield served


def link_in_mail(mail: Running, served: Served) -> str:
    """The link in the only letter, at the address where the tests reach the receiver."""
    until, found = time.monotonic() + 20, []
    while not found and time.monotonic() < until:
        found = requests.get(f"{mail.control_url}mails", timeout=10).json()["mails"]
    (path,) = re.findall(rf"{re.escape(PUBLIC)}(/sign-in/\S+)", found[0]["text"])
    return served.url + path


def test_a_link_in_a_notice_leads_through_signing_in_to_the_form(
    page: Page, receiver: Served, mail: Running
) -> None:
    page.goto(receiver.url + receiver.refer())
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Your mail address at work").fill("Ann@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()

    page.goto(link_in_mail(mail, receiver))
    expect(page.get_by_text("As ann@example.org")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url("**/_sandbox/project/14/form?**")
    page.goto(receiver.url + receiver.refer())
    expect(page).to_have_url(re.compile("/_sandbox/project/14/form"))
    page.goto(f"{receiver.url}/sign-in")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your mail address at work")).to_be_visible()


def test_an_unknown_record_and_a_used_link_are_plain_pages(
    page: Page, receiver: Served, mail: Running
) -> None:
    page.goto(f"{receiver.url}/sign-in")
    page.get_by_label("Your mail address at work").fill("ann@example.org")
    page.get_by_role("button", name="Send me a link").click()
    link = link_in_mail(mail, receiver)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()

    page.goto(f"{receiver.url}/records/{'0' * 32}")
    expect(page.get_by_role("heading", name="Record not found")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_fits_and_can_be_read_in_both_schemes(
    page: Page, receiver: Served, scheme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{receiver.url}/sign-in")

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert page.evaluate(_CONTRAST) >= 7
    assert page.evaluate("document.querySelector('input').getBoundingClientRect().height") >= 40


_CONTRAST = """() => {
  const light = text => text.match(/[\\d.]+/g).slice(0, 3)
    .map(part => part / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const [ink, paper] = ['color', 'backgroundColor']
    .map(name => light(getComputedStyle(document.querySelector('main'))[name])).sort((a, b) => b - a);
  return (ink + .05) / (paper + .05);
}"""
