"""Reconciliation: what REDCap holds is compared with what was worked of it."""
