"""Chaos: the whole pipeline under a seeded schedule of faults, and a verdict over the packages' books."""
