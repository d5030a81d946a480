"""Pages as files that need no server, and calendars: drawn of overviews, which know no participant."""

from capstan.reports.shell import render_run_page as render_run_page
from capstan.reports.shell import render_study_page as render_study_page
