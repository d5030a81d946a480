"""The doorbell: has Prefect run the ingest deployment of a study now."""

from __future__ import annotations


def ring(study: str) -> None:
    """Ask for a run of the study's ingest deployment; never raises."""
