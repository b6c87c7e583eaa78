"""The commands of `koppeling`, one file per group; what they decide is in functions that tests can call."""
