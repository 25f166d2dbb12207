"""A simulated payment network over HTTP: own book, signed notifications, scripted bad manners.

It shares nothing with the adapter of the product but the shape of the requests. It never
deduplicates payments, keeps what it accepted in its own file, and misbehaves as it is told (see
``network.KINDS`` and ``network.COMMANDS``).
"""
