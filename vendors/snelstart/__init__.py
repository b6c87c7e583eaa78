"""SnelStart's own language: its B2B API v2, knowing nothing of ENK but the error codes."""
