"""Everything the sandbox keeps, in SQLite: each file is one thing that is kept, with its tables."""

from sandbox.storage.files import StoredFile
from sandbox.storage.log import LogRow
from sandbox.storage.store import Store
from sandbox.storage.values import Change, item

__all__ = ["Change", "LogRow", "Store", "StoredFile", "item"]
