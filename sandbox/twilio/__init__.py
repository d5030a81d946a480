"""A stateful stand-in for Twilio's messages, below HTTP: what it keeps, what it does, and when."""

from sandbox.twilio.config import BadConfig
from sandbox.twilio.exchange import Exchange

__all__ = ["BadConfig", "Exchange"]
