"""HTTP routes of reconciliation."""
