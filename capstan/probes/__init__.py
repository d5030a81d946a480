"""Looks for data outside REDCap: a folder, an address, a query, a command."""
