"""Twinfield's own language: OpenID Connect, SOAP and XML documents, knowing nothing of ENK but the codes."""
