"""The way of a record export: rows, columns, labels, formats."""
