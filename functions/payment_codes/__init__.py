"""Payment codes: RF references from documents, and the payments that come in under them."""
