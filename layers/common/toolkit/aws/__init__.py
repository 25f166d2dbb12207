"""The few AWS services Köprü stands on, wrapped once so that every use case follows the same
rules.
"""
