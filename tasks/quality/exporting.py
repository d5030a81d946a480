"""Exporting a whole project once, for everything that is asked of it."""

from __future__ import annotations

import pandas as pd

from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.redcap import read_records
from tasks.shield import effect, run_logger


@effect("export the project")
def export_project(live: LiveProject) -> pd.DataFrame:
    """Export every field of all records as a keyed frame of text, with access groups where there are any."""
    frame = read_records(live, access_groups=True)
    run_logger().info("exported %d rows, %d columns", len(frame), frame.shape[1])
    crash_point("exported")
    return frame
