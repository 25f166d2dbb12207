"""Use cases of approvals (WFL-05)."""
