"""The report of a rehearsal: in the terminal, and as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from rich.markup import escape
from rich.table import Table

from checks.catalogue import CATALOGUE
from cli.showing import console, show_diff, show_stopped

if TYPE_CHECKING:
    from tasks.rehearsed import Rehearsed

_SIDES = {"written": "would be written", "held": "would be held"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rehearsal of {{ report.study }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; }
td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.outcome { font-weight: normal; color: #555; }
</style>
</head>
<body>
<h1>Rehearsal of {{ report.study }}</h1>
<p>A copy of {{ report.records }} records{% if report.de_identified %}, de-identified{% endif %}
{%- if report.on %}, as if it were {{ report.on }}{% endif %}. Nothing was written to REDCap.
{% if report.de_identified %}{{ shifted }}{% endif %}</p>
{% for flow in report.flows %}
<section>
<h2>{{ flow.flow | replace("_", " ") }} <span class="outcome">{{ flow.outcome }}</span></h2>
{% if flow.said %}<p>{{ flow.said }}</p>{% endif %}
{% for side, title in sides.items() if flow[side].cells %}
<table>
<caption>{{ flow[side].cells }} cells of {{ flow[side].records }} records {{ title }}</caption>
<tr><th scope="col">field</th><th scope="col">cells</th></tr>
{% for name, count in flow[side].by_field.items() %}
<tr><td>{{ name }}</td><td>{{ count }}</td></tr>
{% endfor %}
</table>
{% endfor %}
{% for part, title in stops.items() if flow[part] %}
<table>
<caption>{{ title }}</caption>
<tr><th scope="col">check</th><th scope="col">what it found</th><th scope="col">rows</th></tr>
{% for check, count in flow[part].items() %}
<tr><td>{{ check }}</td><td>{{ meanings[check] }}</td><td>{{ count }}</td></tr>
{% endfor %}
</table>
{% endfor %}
{% for name, counts in flow.found.items() if counts %}
<table>
<caption>{{ name | capitalize }}</caption>
{% for word, count in counts.items() %}
<tr><td>{{ word }}</td><td>{{ count }}</td></tr>
{% endfor %}
</table>
{% endfor %}
{% if flow.outcome == "idle" %}<p>Nothing is left to write.</p>{% endif %}
</section>
{% endfor %}
</body>
</html>
"""
_SHIFTED = "Dates were moved, so visits are due at other times than in the live project."
_STOPS = {
    "run_stopped": "What would stop the run",
    "rows_stopped": "Rows that would be stopped",
    "rows_warned": "Rows that would be written, but are to be looked at",
}


def render_page(report: Mapping[str, Any]) -> str:
    """Return the report as one HTML file, in counts."""
    meanings = {check: entry.meaning for check, entry in CATALOGUE.items()}
    template = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return template.render(report=report, sides=_SIDES, stops=_STOPS, meanings=meanings, shifted=_SHIFTED)


def show_report(report: Mapping[str, Any], *, done: Sequence[Rehearsed], values: bool) -> None:
    """Print the report; with `values` the cells too, which are participants' data."""
    day = f", as if it were {report['on']}" if report["on"] else ""
    kind = " de-identified" if report["de_identified"] else ""
    console.print(
        f"Rehearsal of [bold]{report['study']}[/bold] on a{kind} copy of {report['records']} records{day}. "
        "Nothing was written to REDCap.",
        soft_wrap=True,
    )
    if report["de_identified"]:
        console.print(_SHIFTED)
    for counts, one in zip(report["flows"], done, strict=True):
        told = "nothing is left to write" if one.outcome == "idle" else one.said
        said = f"; {escape(told)}" if told else ""
        console.print(f"\n[bold]{one.flow}[/bold]: {one.outcome}{said}", soft_wrap=True)
        console.print(_numbers(counts))
        if values:
            show_stopped(one.stopped)
            show_diff(one.written, by="participant", values=True)
            show_diff(one.held, by="participant", values=True)


def _numbers(counts: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for side, title in _SIDES.items():
        size = counts[side]
        if size["cells"]:
            table.add_row(title, f"{size['cells']:,} cells of {size['records']:,} records")
            table.add_row("", ", ".join(f"{name} {count:,}" for name, count in size["by_field"].items()))
    lists = {title.lower(): counts[part] for part, title in _STOPS.items()} | dict(counts["found"])
    for title, found in lists.items():
        if found:
            table.add_row(title, ", ".join(f"{word} {count:,}" for word, count in found.items()))
    return table
