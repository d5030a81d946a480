"""Quality: what a project holds as a whole, judged and counted without a plan to change anything."""
