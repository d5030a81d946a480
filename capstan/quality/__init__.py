"""The quality of a project as a whole: what is measured, and what is expected of it."""
