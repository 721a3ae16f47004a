"""An Alembic project of any length, as an application grows one: a table, then columns, indexes and
constraints.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from alembic import command
from alembic.config import Config

STEPS = ("table", "column", "index", "foreign_key", "check", "tighten")

HEADER = '''"""{doc}

Revision ID: {id}
Revises: {down}
"""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {back}
'''

UP = {
    "table": """op.create_table(
        "{table}",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="new", nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.UniqueConstraint("name", name="uq_{table}_name"),
    )""",
    "column": """op.add_column("{table}", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.add_column("{table}", sa.Column("note", sa.Text(), nullable=True))""",
    "index": """op.create_index("ix_{table}_status_created_at", "{table}", ["status", "created_at"])""",
    "foreign_key": """op.create_foreign_key(
        "fk_{table}_parent", "{table}", "{parent}", ["parent_id"], ["id"]
    )""",
    "check": """op.create_check_constraint("ck_{table}_amount", "{table}", "amount >= 0")""",
    "tighten": """op.execute("UPDATE {table} SET note = '' WHERE note IS NULL")
    op.alter_column("{table}", "note", existing_type=sa.Text(), nullable=False, server_default="")""",
}

BACK = {
    "table": """op.drop_table("{table}")""",
    "column": """op.drop_column("{table}", "note")
    op.drop_column("{table}", "parent_id")""",
    "index": """op.drop_index("ix_{table}_status_created_at", table_name="{table}")""",
    "foreign_key": """op.drop_constraint("fk_{table}_parent", "{table}", type_="foreignkey")""",
    "check": """op.drop_constraint("ck_{table}_amount", "{table}", type_="check")""",
    "tighten": """op.alter_column(
        "{table}", "note", existing_type=sa.Text(), nullable=True, server_default=None
    )""",
}


def make_history(folder: Path, revisions: int, tables: int = 1) -> Path:
    """A project with the env.py of Alembic's generic template; returns its script location. Every sixth
    revision makes ``tables`` tables, of which the next five change the first."""
    location = folder / "migrations"
    with contextlib.redirect_stdout(io.StringIO()):  # alembic init tells each file that it writes
        command.init(Config(str(folder / "alembic.ini")), str(location))
    for number in range(revisions):
        (location / "versions" / f"{_id(number)}.py").write_text(_revision(number, tables))
    return location


def ini_for(folder: Path, url: str) -> Path:
    """The generic template's alembic.ini, pointed at one database."""
    text = (folder / "alembic.ini").read_text().replace("driver://user:pass@localhost/dbname", url)
    path = folder / "database.ini"
    path.write_text(text)
    return path


def _id(number: int) -> str:
    return f"{number + 1:04}_{STEPS[number % len(STEPS)]}"


def _revision(number: int, tables: int) -> str:
    step, place = STEPS[number % len(STEPS)], number // len(STEPS)
    table, parent = f"entity_{place:03}", f"entity_{max(place - 1, 0):03}"
    names = [table, *(f"{table}_{more}" for more in range(1, tables if step == "table" else 1))]
    return HEADER.format(
        id=_id(number),
        down=_id(number - 1) if number else None,
        doc=f"{step.replace('_', ' ')} of {table}",
        up="\n    ".join(UP[step].format(table=name, parent=parent) for name in names),
        back="\n    ".join(BACK[step].format(table=name, parent=parent) for name in reversed(names)),
    )
