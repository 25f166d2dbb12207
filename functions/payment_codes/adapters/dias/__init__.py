"""The DIAS-like gateway over HTTP."""
