"""Numbers and codes that others issue: one small module each, with its official source.

Every module offers ``parse(value) -> str`` (canonical form or ``ParseError``) and
``is_valid(text) -> bool`` (canonical form only, arithmetic included).
"""
