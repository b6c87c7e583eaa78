"""Receiver, delivery engine, and one mapping module per package."""
