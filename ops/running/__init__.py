"""Everything in one terminal: services and processes, kept running, for `koppeling up` and the demo."""

from ops.running.stack import Stack, StackPlan

__all__ = ["Stack", "StackPlan"]
