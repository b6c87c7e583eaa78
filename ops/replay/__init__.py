"""Sending many postings again, and reading input again: what the commands and the console call."""
