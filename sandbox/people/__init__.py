"""Users and roles of a project, and what each may do."""
