"""Dialect: credentials open a session, one line a call, numeric result codes."""
