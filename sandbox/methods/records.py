"""content=record and generateNextRecordName: where each of their methods is (B.1, B.2)."""

from __future__ import annotations

from sandbox.exports.answer import export_records
from sandbox.imports.run import import_records
from sandbox.methods.naming import next_name, rename
from sandbox.methods.removal import delete

__all__ = ["delete", "export_records", "import_records", "next_name", "rename"]
