"""Safe operations for revisions: op.add_foreign_key, op.backfill and the like, which need not be alone.

Importing this package makes Alembic know them. db-migrate does it itself; plain Alembic finds them by the
entry point "alembic.plugins".
"""

from dbmigrate.adapters.operations import backfill, columns, constraints, indexes, rename, retype

__all__ = ["backfill", "columns", "constraints", "indexes", "rename", "retype"]
