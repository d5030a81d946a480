"""Great Expectations: judges whole projects by suites of expectations, and draws their Data Docs.

It is imported only where something is judged: it costs a process about five seconds.
"""

from capstan.expectations.columns import judged_columns
from capstan.expectations.judging import Project, validate

__all__ = ["Project", "judged_columns", "validate"]
