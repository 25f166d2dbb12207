"""Machine-readable cases run through the product's own code.

``python -m tests.acceptance [--dir DIR] [--area NAME]`` runs any directory of the same shape;
``test_acceptance.py`` runs the committed ones under pytest.
"""
