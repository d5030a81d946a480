"""The way of a record import: payload, addressing, cell checks, changes, answer."""
