"""Use cases of the workspace, one per file."""
