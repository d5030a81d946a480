"""Values of records: how they change, what follows from a change, and what is logged."""
