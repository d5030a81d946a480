"""The part `quality` of the study file: what is asked of a project's data as a whole."""

from __future__ import annotations

from capstan.study.parts import Part
from capstan.study.quality_expect import Expect
from capstan.study.quality_queries import Queries
from capstan.study.quality_rules import Acceptance, Outliers, QualityRule


class Quality(Part):
    """What is asked of the data, and what becomes of what is found."""

    expect: Expect = Expect()
    outliers: Outliers = Outliers()
    rules: tuple[QualityRule, ...] = ()
    exceptions: tuple[Acceptance, ...] = ()
    queries: Queries = Queries()
