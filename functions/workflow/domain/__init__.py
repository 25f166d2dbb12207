"""Pure rules of workflow: no time, no network, no storage."""
