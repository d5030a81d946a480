"""Timepoints and sessions: their ids, and which REDCap record belongs to which."""
