"""Takes the picture of a phone's page in the sandbox: `python -m docs.picture`, with a Chromium at hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import requests
from playwright.sync_api import Browser, sync_playwright

from sandbox.server import Running

FOLDER = Path(__file__).parent
PHONE, STUDY = "+14155550162", "+15005550006"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SIZE = {"width": 760, "height": 616}
_TALK = (
    (STUDY, "Ada's visit at the Tooth Fairy Trial is due on 06/12. Reply 1 to confirm, or STOP to opt out."),
    (PHONE, "1"),
    (STUDY, "Thank you! See you on 06/12 at 10:00."),
    (PHONE, "Can we come half an hour later?"),
)


def main() -> None:
    """Write the page in light and dark."""
    with Running() as sandbox, sync_playwright() as playwright:
        _talk(sandbox)
        browser = playwright.chromium.launch(executable_path=chromium())
        _take(browser, sandbox, scheme="light")
        _take(browser, sandbox, scheme="dark")
        browser.close()


def _take(browser: Browser, sandbox: Running, *, scheme: Literal["light", "dark"]) -> None:
    page = browser.new_page(viewport=_SIZE, color_scheme=scheme)
    page.goto(f"{sandbox.control_url}messages/phone?number={PHONE.replace('+', '%2B')}")
    page.screenshot(path=FOLDER / f"phone-{scheme}.png")
    page.close()


def _talk(sandbox: Running) -> None:
    """Let a study and a participant write to each other, on a summer morning."""
    _order(sandbox, "freeze", at="2026-06-09T16:02:00Z")
    for sender, body in _TALK:
        if sender == STUDY:
            _text(sandbox, body)
        else:
            _order(sandbox, "inbound", **{"from": PHONE, "to": STUDY, "body": body})
        _order(sandbox, "advance", seconds=240)


def _text(sandbox: Running, body: str) -> None:
    found = sandbox.addresses()
    account, token = str(found["twilio_account_sid"]), str(found["twilio_auth_token"])
    url = f"{found['twilio_url']}/2010-04-01/Accounts/{account}/Messages.json"
    fields = {"To": PHONE, "From": STUDY, "Body": body}
    requests.post(url, data=fields, auth=(account, token), timeout=30).raise_for_status()


def _order(sandbox: Running, path: str, **body: Any) -> None:
    requests.post(sandbox.control_url + path, json=body, timeout=30).raise_for_status()


def chromium() -> str | None:
    """Where a Chromium is, None to let playwright look for its own."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


if __name__ == "__main__":
    main()
