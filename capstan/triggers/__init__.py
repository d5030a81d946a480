"""Data entry triggers: what REDCap says of a saved form, and what a study does with it."""
