"""Alarms: what rings when the runs themselves cannot say that something is wrong."""
