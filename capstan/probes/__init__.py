"""Probes: look outside REDCap for a session's scan data, and run the commands that fetch and follow them.

No text of what is looked at goes into a `Look`: it says at most what kind of thing went wrong.
"""

from capstan.probes.commands import PATH, Ran, run_command
from capstan.probes.folders import look_in_folder
from capstan.probes.looks import Look
from capstan.probes.queries import look_in_database
from capstan.probes.web import look_at_address

__all__ = ["PATH", "Look", "Ran", "look_at_address", "look_in_database", "look_in_folder", "run_command"]
