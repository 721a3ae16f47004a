"""The `db-migrate` command."""
