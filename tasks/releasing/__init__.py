"""Releasing: a new version beside the old one, switched to while nothing runs, and back in one command.

`place` is where releases lie, `preparing` makes one, `lull` holds the runs back, `changing` goes from one to
another and comes back by itself when it is cut off.
"""
