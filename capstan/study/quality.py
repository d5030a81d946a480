"""The part `quality` of the study file: what is asked of a project's data as a whole."""

from __future__ import annotations

from capstan.study.parts import Part
from capstan.study.quality_queries import Queries


class Quality(Part):
    """What is asked of the data, and what becomes of what is found."""

    queries: Queries = Queries()
