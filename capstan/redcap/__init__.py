"""Capstan's client of the REDCap API: reads as frames of text, writes in batches, errors without values."""

from capstan.redcap.batching import batches
from capstan.redcap.client import Redcap
from capstan.redcap.creation import create_project
from capstan.redcap.throttle import Throttle

__all__ = ["Redcap", "Throttle", "batches", "create_project"]
