"""Pages of the workspace in Turkish, Greek and English."""
