"""Fields of bad_inputs that need more than one value function, one module per field.

``run(case) -> ("accept" | "normalise" | "reject", normalised or None)``; an error of ours is a
rejection, any other exception a failure.
"""
