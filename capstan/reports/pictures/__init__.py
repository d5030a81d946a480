"""Pictures of panels, one function for each panel that is better seen than read."""
