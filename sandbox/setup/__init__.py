"""What makes and extends a project: its creation, reports, surveys and randomizations."""
