"""The sandbox's own page, server-rendered."""

from __future__ import annotations

from html import escape

from sandbox.model import Project
from sandbox.state import State

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>SANDBOX</title>
<style>
body {{ font-family: sans-serif; margin: 2rem auto; max-width: 60rem; }}
h1 {{ background: #b35900; color: white; padding: 0.5rem 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ border-bottom: 1px solid #ccc; padding: 0.3rem 1rem; text-align: left; }}
</style>
</head>
<body>
<h1>SANDBOX</h1>
<p>This is a stand-in for REDCap on this computer. Nobody is contacted and nothing leaves it.</p>
{table}
</body>
</html>
"""


def home(state: State) -> str:
    """Return the page that lists the projects."""
    with state.lock:
        projects = [state.store.projects.get(one) for one in state.store.projects.ids()]
        rows = [
            _row(one, len(state.store.values.record_names(one.project_id)))
            for one in projects
            if one is not None
        ]
    if not rows:
        return _PAGE.format(table="<p>There is no project yet.</p>")
    head = "<tr><th>Id</th><th>Project</th><th>Status</th><th>Fields</th><th>Records</th></tr>"
    return _PAGE.format(table=f"<table>{head}{''.join(rows)}</table>")


def _row(project: Project, records: int) -> str:
    status = "Production" if project.in_production else "Development"
    cells = (project.project_id, project.title, status, len(project.fields), records)
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
