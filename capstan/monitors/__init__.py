"""Monitors: what should follow what, and the life of one that is open."""
