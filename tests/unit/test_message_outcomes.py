"""What may be called certain: only a refusal, and of a letter only what came before its last dot."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from capstan.delivery import Outcome
from capstan.delivery.codes import CODES
from capstan.messaging.receipts import number, receipt, refusal
from capstan.messaging.smtp_replies import Stage, judge_failure, judge_reply

ANY_CODE = (0, 99999, *CODES)
BEFORE_THE_DOT = [stage for stage in Stage if stage is not Stage.CONTENT]


def test_a_refusal_is_certain_only_with_a_status_of_4xx_that_is_no_timeout() -> None:
    for status in range(100, 600):
        found = {refusal(status, code=code, retry_after_seconds=0).outcome for code in ANY_CODE}

        assert (found == {Outcome.UNKNOWN}) == (not 400 <= status < 500 or status == 408)
        assert Outcome.ACCEPTED not in found


def test_a_refusal_without_twilios_code_blames_no_number() -> None:
    found = {refusal(status, code=0, retry_after_seconds=0).outcome for status in range(400, 500)}

    assert found == {Outcome.HALT, Outcome.THROTTLED, Outcome.UNKNOWN}


@pytest.mark.parametrize(
    "sid", [None, 5, "", "SM", f"SM{'g' * 32}", f"AC{'0' * 32}", f"SM{'0' * 33}", f" SM{'0' * 32}"]
)
def test_success_without_the_name_of_a_message_proves_nothing(sid: object) -> None:
    assert receipt(sid, status="queued", segments="1").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("value", "found"),
    [(21610, 21610), ("21610", 21610), (None, 0), ("x", 0), ("²", 0), ("-1", 0), ("9" * 5000, 0)],
)
def test_a_number_is_read_from_number_and_text(value: object, found: int) -> None:
    assert number(value) == found


FAILURES = [
    smtplib.SMTPServerDisconnected("x"),
    TimeoutError(),
    ConnectionResetError(),
    ssl.SSLEOFError(),
    OSError(),
]


@pytest.mark.parametrize("error", FAILURES)
def test_a_lost_connection_is_certain_until_the_last_dot(error: OSError) -> None:
    before = {judge_failure(error, stage=stage).outcome for stage in BEFORE_THE_DOT}

    assert before == {Outcome.NOT_SENT}
    assert judge_failure(error, stage=Stage.CONTENT).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "error", [ssl.SSLCertVerificationError(), ssl.SSLError(), smtplib.SMTPNotSupportedError("x")]
)
def test_encryption_and_login_that_do_not_work_are_ours_to_settle(error: OSError) -> None:
    assert {judge_failure(error, stage=stage).outcome for stage in BEFORE_THE_DOT} == {Outcome.HALT}
    assert judge_failure(error, stage=Stage.CONTENT).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("stage", Stage)
def test_a_reply_of_4xx_or_5xx_is_certain_at_every_stage(stage: Stage) -> None:
    later = {judge_reply(code, b"", stage=stage).outcome for code in range(400, 500)}
    never = {judge_reply(code, b"", stage=stage).outcome for code in range(500, 600)}

    assert later == {Outcome.THROTTLED}
    assert never <= {Outcome.REJECTED, Outcome.HALT}


def test_until_the_recipient_is_named_no_address_is_to_blame() -> None:
    early = (Stage.CONNECTION, Stage.LOGIN, Stage.SENDER)
    codes = {judge_reply(code, b"5.1.1 no", stage=stage).outcome for code in (550, 553) for stage in early}

    assert codes == {Outcome.HALT}


@pytest.mark.parametrize("text", ["5.1.1 Unknown user", b"5.1.1 Unknown user", "Unknown user", b"\xff\xfe"])
def test_a_refused_recipient_is_read_from_text_and_bytes(text: str | bytes) -> None:
    answer = judge_reply(550, text, stage=Stage.RECIPIENT)

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, 550)
