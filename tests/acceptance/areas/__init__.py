"""One module per area, found by its name: ``run(case, file) -> outputs``, or an error of ours.

A module maps the vocabulary of the cases to product functions and decides nothing itself. An area
without a module is "not built yet".
"""
