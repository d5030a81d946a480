"""The token, and what participants said, are in no text that a person or a program may keep."""

from __future__ import annotations

import io
import json
import pickle
import traceback

import pandas as pd
import pytest
from scripted_server import PAGE, TOKEN, Reply, serving

from capstan.errors import RedcapError, UsageError
from capstan.redcap import Redcap, create_project
from capstan.redcap.address import api_address

SECRET = "Marigold"
ROWS = pd.DataFrame({"record_id": [f"{SECRET}-1"], "name": [SECRET]}, dtype="str")
BROKEN = [
    Reply(json.dumps({"error": f"{TOKEN} {SECRET}"}), 400),
    Reply(json.dumps({"error": f'"{SECRET}","name","{SECRET}","{SECRET} is odd"'}), 400),
    Reply(json.dumps({"error": f'"{SECRET}","name,{SECRET}'}), 400),
    Reply(f'{{"error":"{SECRET}', 400),
    Reply(f"ERROR: {TOKEN} {SECRET}", 200),
    Reply(PAGE.format(f"{TOKEN} {SECRET}")),
    Reply(PAGE.format(f"{TOKEN} {SECRET} banned"), 403),
    Reply(f"{TOKEN} {SECRET}", 500),
    Reply(f"{TOKEN} {SECRET}", 404),
    Reply("", 302, {"Location": f"/login?token={TOKEN}&name={SECRET}"}),
    Reply(f"record_id,name\n1,{SECRET}\n2\n"),
    Reply(f'record_id,name\n1,"{SECRET}'),
    Reply(f"record_id,name\n1,{SECRET}\n", sent=20),
    Reply(f"record_id,name\n1,{SECRET}\n", sent=20, is_gzip=True),
    Reply(f"record_id,name\n1,{SECRET}\n", sent=20, is_chunked=True),
    Reply(f"record_id,name\n1,{SECRET}\n".encode() + b"2,\xff\n"),
    Reply(f"record_id,name\n1,{SECRET}\n", hangs=True),
    Reply(drops=True),
]
CALLS = [
    lambda redcap: redcap.records(records=[SECRET], filter_logic=f"[name] = '{SECRET}'"),
    lambda redcap: redcap.import_records(ROWS),
    lambda redcap: redcap.delete_records([SECRET]),
    lambda redcap: redcap.arms(),
    lambda redcap: redcap.project(),
    lambda redcap: redcap.project_xml(),
]


def texts_of(error: BaseException, *, with_locals: bool = False) -> str:
    """Everything that a log, a terminal or a pickle may show of an error and of what it is chained to."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
    out = ["".join(stack.format()), *traceback.format_exception(error)]
    link: BaseException | None = error
    while link is not None:
        out += [str(link), repr(link), repr(link.args), *getattr(link, "__notes__", [])]
        out += [] if with_locals else [repr({k: v for k, v in vars(link).items() if k != "rows"})]
        link = link.__cause__ or link.__context__
    return "\n".join(out)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reply", BROKEN)
def test_no_error_holds_the_token_or_a_value(reply, call):
    with serving(reply) as server:
        redcap = Redcap(server.url, TOKEN, sleep=lambda _: None, timeout_seconds=(1.0, 0.05), attempts=2)
        with pytest.raises(RedcapError) as caught:
            call(redcap)

    assert TOKEN.lower() not in texts_of(caught.value).lower()
    assert SECRET not in texts_of(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_not_even_a_traceback_with_local_variables_shows_the_token():
    with serving(Reply("", 503)) as server:
        redcap = Redcap(server.url, TOKEN, sleep=lambda _: None, attempts=2)
        with pytest.raises(RedcapError) as caught:
            redcap.version()
    error = caught.value.with_traceback(caught.value.__traceback__.tb_next)

    text = texts_of(error, with_locals=True)

    assert "redcap/wire.py" in text.replace("\\", "/")
    assert TOKEN not in text


def test_a_refused_connection_shows_no_token():
    with serving(Reply("")) as server:
        redcap = Redcap(server.url, TOKEN, sleep=lambda _: None)

    with pytest.raises(RedcapError) as caught:
        redcap.import_records(ROWS)

    assert TOKEN not in texts_of(caught.value)
    assert SECRET not in texts_of(caught.value)


def test_refused_rows_keep_ids_for_people_and_values_for_nobody():
    reply = Reply(json.dumps({"error": f'"7","name","{SECRET}","{SECRET} is odd"'}), 400)

    with serving(reply) as server, pytest.raises(RedcapError) as caught:
        Redcap(server.url, TOKEN).import_records(ROWS)

    assert caught.value.rows == (("7", "name", "… is odd"),)


def test_a_connection_shows_its_host_and_nothing_else():
    redcap = Redcap("https://redcap.example.org/somewhere/api/", TOKEN)

    assert repr(redcap) == "<Redcap at redcap.example.org>"
    assert TOKEN not in everything_below(redcap)


def everything_below(thing: object, depth: int = 4) -> str:
    """The reprs of an object's attributes, of their attributes, and so on."""
    inside = getattr(thing, "__dict__", {})
    below = "".join(everything_below(part, depth - 1) for part in inside.values()) if depth else ""
    return repr(thing) + repr(inside) + below


def test_a_connection_cannot_be_pickled_with_its_token():
    redcap = Redcap("https://redcap.example.org/api/", TOKEN)
    file = io.BytesIO()

    with pytest.raises(TypeError):
        pickle.dump(redcap, file)

    assert TOKEN.encode() not in file.getvalue()


@pytest.mark.parametrize(
    "token", ["", "  \n", TOKEN[:-1], TOKEN + "0", TOKEN[:-1] + "g", TOKEN * 2, f"'{TOKEN}'"]
)
def test_an_ill_formed_token_is_refused_and_not_repeated(token):
    with pytest.raises(UsageError, match="token") as caught:
        Redcap("https://redcap.example.org/api/", token)

    assert TOKEN[:-1] not in texts_of(caught.value)


def test_an_ill_formed_super_token_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="64") as caught:
        create_project("https://redcap.example.org/api/", TOKEN, title="Trial")

    assert TOKEN not in texts_of(caught.value)


def test_space_around_a_token_does_no_harm():
    with serving(Reply("15.2.1")) as server:
        Redcap(server.url, f" {TOKEN}\r\n").version()

        assert server.forms[0]["token"] == TOKEN


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://redcap.example.org", "https://redcap.example.org/api/"),
        ("https://redcap.example.org/", "https://redcap.example.org/api/"),
        ("https://redcap.example.org/api", "https://redcap.example.org/api/"),
        (" HTTPS://redcap.example.org:8443/redcap/api/ ", "https://redcap.example.org:8443/redcap/api/"),
        ("http://127.0.0.1:8000/redcap", "http://127.0.0.1:8000/redcap/api/"),
        ("https://example.org/redcap_v15.2.1/API/", "https://example.org/redcap_v15.2.1/API/"),
    ],
)
def test_an_address_is_completed_to_that_of_the_api(given, used):
    assert api_address(given) == used


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redcap.example.org",
        "ftp://redcap.example.org/api/",
        "https:///api/",
        "https://redcap.example.org:port/api/",
        "https://redcap.example.org/a b/",
        f"https://redcap.example.org/api/?token={TOKEN}",
        f"https://{TOKEN}@redcap.example.org/api/",
        f"https://[{TOKEN}/api/",
        TOKEN,
    ],
)
def test_a_malformed_address_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError, match="address") as caught:
        Redcap(url, TOKEN)

    assert TOKEN.lower() not in texts_of(caught.value).lower()
