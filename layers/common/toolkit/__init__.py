"""Plumbing shared by all contexts: AWS, HTTP and SOAP access, settings, access control, entry
points.

Nothing here knows a business term of one context. Contexts use it from their adapters, handlers
and bootstrap.
"""
