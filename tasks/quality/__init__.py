"""Data quality: what a project holds is judged, measured and compared with what is expected of it."""
