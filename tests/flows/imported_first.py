"""What runs import when they first need it, for the server from which the tests' processes are forked."""

from __future__ import annotations

import alembic.command
import alembic.config
import pandas as pd
import pandera.pandas as pa
import sqlalchemy.dialects.sqlite

# The first validation imports the rest of pandera.
pa.DataFrameSchema({"a": pa.Column(str)}).validate(pd.DataFrame({"a": ["x"]}))

__all__ = ["alembic", "sqlalchemy"]
