"""When what runs: cron and intervals, what is scheduled by default, and what of it a study needs."""
