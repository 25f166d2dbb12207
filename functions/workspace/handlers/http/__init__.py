"""Routes of the workspace API, by subject."""
