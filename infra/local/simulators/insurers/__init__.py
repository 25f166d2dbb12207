"""Eighteen simulated insurers over real SOAP: own WSDLs, own parsers, own books, bad manners.

They share nothing with the adapters of the product: what both sides agree on is the WSDL alone.
They are hostile on purpose: they deduplicate only where their dialect promises it, keep what they
accepted in their own file, so that a killed stack can be compared with them, and misbehave on
request (see ``behaviour``).
"""
