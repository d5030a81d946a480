"""Pages for people under /_sandbox/, server-rendered."""

from sandbox.pages.routes import page_routes

__all__ = ["page_routes"]
