"""Judgement: every check, and the gate that applies them. Pure: no network, no clock, no log."""
