"""What the methods that change a project's design share."""

from __future__ import annotations

from sandbox.errors import PRODUCTION, ApiError, not_in_classic
from sandbox.session import Session


def require_development(session: Session, what: str) -> None:
    """Refuse in production, where REDCap lets nobody change the design through the API (B.0)."""
    if session.project.in_production:
        raise ApiError(PRODUCTION.format(what=what), 403)


def require_longitudinal(session: Session, what: str) -> None:
    """Refuse exports that a classic project does not have."""
    if not session.project.is_longitudinal:
        raise not_in_classic(what)


def number(text: str, default: float = 0) -> float:
    """Read a number, or the default when there is none."""
    try:
        return float(text)
    except ValueError:
        return default
