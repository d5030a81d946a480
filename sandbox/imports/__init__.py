"""The way of values into a project: payload, forms and surveys, addressing, checks, changes, answer."""
