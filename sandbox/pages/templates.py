"""Finds and fills the templates beside this file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.clock import STAMP

FOLDER = Path(__file__).with_name("templates")


def render(name: str, **about: object) -> str:
    """Fill a template; whatever goes into it is shown as text."""
    return _environment.get_template(name).render(**about)


def link(path: str = "", **query: object) -> str:
    """Return an address below /_sandbox/; query values that are '' are left out."""
    given = {name: value for name, value in query.items() if value not in ("", None)}
    return f"/_sandbox/{path}" + (f"?{urlencode(given)}" if given else "")


def stamp(epoch: float) -> str:
    """Return a moment (epoch seconds) as the sandbox's clock shows it."""
    return datetime.fromtimestamp(epoch).strftime(STAMP)  # noqa: DTZ006  # REDCap's clock has no zone


def later(epoch: float, than: float) -> str:
    """Return a moment without its day where that is the day of an earlier one."""
    day, _, time = stamp(epoch).partition(" ")
    return time if stamp(than).startswith(day) else f"{day} {time}"


def _size(count: int) -> str:
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"


_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals |= {"link": link}
_environment.filters |= {"size": _size, "stamp": stamp, "later": later}
