"""Metrics, logging, redaction."""
