"""SOAP to third parties: bundled WSDL, our own transport, guarded answers, an audit copy."""
