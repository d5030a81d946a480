"""The command line: `capstan`."""
