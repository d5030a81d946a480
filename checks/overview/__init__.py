"""Overviews: what pages of a study and of a run show, counted; pure."""
