"""The packages' own languages: clients and simulators, knowing nothing of ENK but the codes."""
