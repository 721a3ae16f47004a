"""Safe operations in revisions that our runner moves, several in one revision."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.project import Project, move, rows
from tests.operations.running import shape, sql

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import DbMigrateError

TABLES = "CREATE TABLE t (id int PRIMARY KEY, n int)\nINSERT INTO t SELECT i, i FROM generate_series(1, 9) i"
SEVERAL = """import sqlalchemy as sa
op.add_check("t_n", "t", "n > 0")
op.set_not_null("t", "n")
op.add_unique("t_u", "t", ["n"])
op.add_column_with_default("t", sa.Column("u", sa.Uuid, nullable=False), "gen_random_uuid()")
op.create_index_concurrently("t_i", "t", ["u"])
op.add_column("t", sa.Column("last", sa.Integer))"""
BACK = """op.drop_column("t", "last")
op.drop_index_concurrently("t_i", "t")
op.drop_column("t", "u")
op.drop_constraint("t_u", "t")
op.alter_column("t", "n", nullable=True)
op.drop_constraint("t_n", "t")"""


def test_several_in_one_revision_up_and_down(tmp_path: Path, database: str) -> None:
    history = Project(tmp_path / "p").add("r1", None, TABLES).add("r2", "r1", SEVERAL, BACK).history()
    db = Database(target_from_url(database), "development")
    move(db, history, "r1")
    before = shape(database)
    move(db, history)
    up = shape(database)
    assert [line[2] for line in up if line[0] == "constraint" and line[1] == "t"] == ["t_n", "t_pkey", "t_u"]
    assert rows(database, "SELECT count(DISTINCT u), count(*) FROM t") == [(9, 9)]
    move(db, history, "r2", direction="downgrade")
    assert shape(database) == before


def test_rows_that_break_the_third_operation_stop_the_revision_there(tmp_path: Path, database: str) -> None:
    """What was done stays, the error names the operation, and after the rows are mended a rerun goes on."""
    history = Project(tmp_path / "p").add("r1", None, TABLES).add("r2", "r1", SEVERAL, BACK).history()
    db = Database(target_from_url(database), "development")
    move(db, history, "r1")
    sql(database, "UPDATE t SET n = 1 WHERE id = 2")
    with pytest.raises(DbMigrateError, match=r"(?s)r2.*add_unique of t: .*not unique in n"):
        move(db, history)
    assert db.current() == ("r1",)
    told = "SELECT operation, finished, revision FROM dbmigrate.work ORDER BY id"
    assert rows(database, told) == [
        ("add_check", True, "r2"),
        ("set_not_null", True, "r2"),
        ("add_unique", False, "r2"),
    ]
    sql(database, "UPDATE t SET n = id")
    move(db, history)
    assert db.current() == ("r2",)
