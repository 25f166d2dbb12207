"""Use cases of workflow, one per file."""
