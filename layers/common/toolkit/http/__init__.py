"""The HTTP edge: strict bodies, problem answers, cursors, outgoing clients."""
