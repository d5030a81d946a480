"""A study's channels: opened with what it names, and never practice mixed with the real thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstan.errors import Refused, StudyError, UsageError
from capstan.study import Study
from tasks.messages.channels import open_mailer, open_twilio, refuse_mix

HERE, FAR = "http://127.0.0.1:8000/api/", "https://redcap.example.org/api/"
SANDBOX = f"AC{'0' * 8}{'c' * 24}"
TEXTS = """
  sms:
    account: {env: MESSAGES_ACCOUNT}
    token: {env: MESSAGES_TOKEN}
    sender: "+15005550006"
    url: "%s"
"""
MAIL = """
  email: {host: "%s", sender: "Trial <trial@study.org>"}
"""


def study(
    *, redcap: str = HERE, status: str = "development", texts: str | None = None, mail: str = ""
) -> Study:
    parts = (TEXTS % texts if texts is not None else "") + (MAIL % mail if mail else "")
    text = f"""
study: demo
title: Demo
redcap:
  url: {redcap}
  token: {{env: MESSAGES_REDCAP}}
  project: {{id: 1, title: Demo, status: {status}}}
messaging:
  live: false
{parts}"""
    return Study.from_text(text, source="study.yaml", environment={})


PRACTICE = "http://127.0.0.1:4400"
MIXED = [
    ({"redcap": HERE, "texts": ""}, "nobody was texted"),
    ({"redcap": HERE, "mail": "smtp.study.org"}, "nobody was written to"),
    ({"redcap": HERE, "texts": PRACTICE, "mail": "smtp.study.org"}, "nobody was written to"),
    ({"redcap": FAR, "status": "production", "texts": PRACTICE}, "texts that nobody got"),
    ({"redcap": FAR, "texts": PRACTICE, "mail": "smtp.study.org"}, "both of the sandbox"),
    ({"redcap": HERE, "status": "production", "texts": ""}, "nobody was texted"),
]


@pytest.mark.parametrize(("given", "said"), MIXED)
def test_practice_and_the_real_thing_are_not_mixed(given: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        refuse_mix(study(**given))


TOGETHER = [
    {"redcap": HERE, "texts": PRACTICE, "mail": "127.0.0.1"},
    {"redcap": HERE, "status": "production", "texts": PRACTICE},
    {"redcap": FAR, "texts": PRACTICE, "mail": "localhost"},
    {"redcap": FAR, "texts": ""},
    {"redcap": FAR, "status": "production", "texts": "", "mail": "smtp.study.org"},
    {"redcap": FAR, "status": "production", "texts": "", "mail": "localhost"},
    {"redcap": FAR, "status": "production"},
]


@pytest.mark.parametrize("given", TOGETHER)
def test_what_belongs_together_is_let_through(given: dict[str, str]) -> None:
    assert refuse_mix(study(**given)) is None


def test_channels_open_with_what_the_study_names(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MESSAGES_ACCOUNT", f"{SANDBOX}\n")
    monkeypatch.setenv("MESSAGES_TOKEN", "0123456789abcdef0123456789abcdef")
    mine = study(texts=PRACTICE, mail="127.0.0.1")

    assert repr(open_twilio(mine, folder=tmp_path)) == "<Twilio>"
    assert repr(open_mailer(mine, folder=tmp_path)) == "<Mailer>"


def test_a_mix_is_refused_before_any_token_is_read(tmp_path: Path) -> None:
    mine = study(texts="", mail="smtp.study.org")

    for opening in (open_twilio, open_mailer):
        with pytest.raises(Refused):
            opening(mine, folder=tmp_path)


def test_a_token_that_is_nowhere_is_named_by_its_place(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MESSAGES_ACCOUNT", raising=False)

    with pytest.raises(UsageError, match="MESSAGES_ACCOUNT"):
        open_twilio(study(texts=PRACTICE), folder=tmp_path)


def test_a_channel_that_the_study_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"messaging\.sms"):
        open_twilio(study(), folder=tmp_path)
    with pytest.raises(StudyError, match=r"messaging\.email"):
        open_mailer(study(), folder=tmp_path)
