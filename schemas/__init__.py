"""The contract: every event, every outcome, every package and topic."""
