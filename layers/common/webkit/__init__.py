"""Rendering for people: pages, mail, PDF, charts and the three languages they speak.

Everything here is pure: values in, text or bytes out. Nothing in this package knows a context, a
request, a table or the environment, so a warm process cannot carry one tenant's page to another.
"""
