"""Routes of the API of workflow."""
