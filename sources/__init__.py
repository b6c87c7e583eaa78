"""Readback: the engine, its contract, one module per package with readback."""
