"""What ENK published, what the ledger has of it, and what the package says now: compared by month."""
