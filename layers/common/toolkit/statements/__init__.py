"""Streaming readers of bank statements: camt.053, camt.054, MT940, CSV by profile.

All give the items of ``kernel.bank_statement`` one after another and keep nothing of what they
gave, so that a file of any length takes the memory of one entry. A file that is no statement is
refused; everything wrong inside a statement comes as a problem with its place, and reading goes on.
"""
