"""Effects: the Prefect tasks that touch REDCap, the store and the dashboards. Flows put them in order."""
