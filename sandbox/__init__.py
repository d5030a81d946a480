"""A stateful REDCap on a laptop; it shares no code with the product but the logic language."""
