"""Safe PostgreSQL schema changes: the code that every room shares."""

__version__ = "0.1.0"
