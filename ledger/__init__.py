"""The ledger: PostgreSQL tables and the operations on them, one module per job."""
