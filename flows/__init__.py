"""Flows: tasks in order, for a study, by schedule or on demand."""
