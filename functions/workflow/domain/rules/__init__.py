"""The decision core: typed facts, tables of rules, their analysis, and decisions that explain
themselves.

Nothing here knows a business rule: the 48 rules of the source are data (``adapters/packs``). What a
cell cannot say (arithmetic, calendars) is a derived fact, made by a named function of a whitelist.
"""
