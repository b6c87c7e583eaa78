"""Intake: the Faust application."""
