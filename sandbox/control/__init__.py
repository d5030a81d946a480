"""The control API under /_sandbox/: what a test or a teacher does to the sandbox itself."""

from sandbox.control.routes import control_routes

__all__ = ["control_routes"]
