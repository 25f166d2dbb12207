"""Workspace: tenants, people, access, jobs, files, timeline, exceptions, mail: the common spine."""
