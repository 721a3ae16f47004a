"""Revisions as people write them: the rehearsal follows whatever Alembic and SQLAlchemy allow."""

from __future__ import annotations

import pytest
from tests.adapters.project import Project

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.rehearsal import prepare_base, rehearse
from dbmigrate.domain.effects import Effects, Lock, Write
from dbmigrate.domain.errors import RehearsalFailed
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate_local.embedded import EmbeddedPostgres

SA = "import sqlalchemy as sa\nfrom sqlalchemy.orm import Session\n"
TABLES = (
    "CREATE TABLE public.t (id int PRIMARY KEY, n int, name text)\n"
    "CREATE TABLE public.u (id int PRIMARY KEY, t int)"
)
DROP = "DROP TABLE public.t, public.u"


def seen(project: Project, db: Database, up: str, back: str = "pass") -> RevisionEvidence:
    """The evidence of a revision upon two tables."""
    project.add("a1", None, TABLES, DROP)
    project.add("b2", "a1", SA + up if up[0].islower() else up, SA + back if back[0].islower() else back)
    return rehearse(project.history(), db.target).revisions["b2"]


def writes(evidence: RevisionEvidence) -> list[Write]:
    return [write for statement in evidence.statements for write in statement.writes]


WRITING = {
    "rows of a result": (
        "bind = op.get_bind()\nfor row in bind.execute(sa.text('SELECT id FROM t ORDER BY id')).fetchall():\n"
        "    bind.execute(sa.text('UPDATE t SET n = 7 WHERE id = :id'), {'id': row.id})"
    ),
    "raw cursor": (
        "cursor = op.get_bind().connection.cursor()\ncursor.execute('SELECT count(*) FROM t')\n"
        "assert cursor.fetchone()[0]\ncursor.execute('UPDATE t SET n = %s', (7,))"
    ),
    "driver's own": "op.get_bind().connection.driver_connection.cursor().execute('UPDATE t SET n = 7')",
    "ORM session": (
        "session = Session(bind=op.get_bind())\n"
        "t = sa.Table('t', sa.MetaData(), autoload_with=op.get_bind())\n"
        "session.execute(sa.update(t).values(n=7))\nsession.flush()"
    ),
    "several in one string": "op.execute('''-- first; nothing\nSELECT ';'; UPDATE t SET n = 7; SELECT 1;''')",
    "DO": "op.execute('DO $$ BEGIN UPDATE t SET n = 7; END $$')",
    "function": (
        "op.execute('CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE t SET n = 7; $$')\n"
        "op.execute('SELECT f()')\nop.execute('DROP FUNCTION f')"
    ),
    "trigger": (
        "op.execute('CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE t SET n = 7; RETURN NULL; END $$')\n"
        "op.execute('CREATE TRIGGER g AFTER UPDATE ON u FOR EACH STATEMENT EXECUTE FUNCTION f()')\n"
        "op.execute('UPDATE u SET t = t')"
    ),
    "another search_path": (
        "op.execute('CREATE SCHEMA other')\nop.execute('SET search_path = other, public')\n"
        "op.execute('UPDATE t SET n = 7')"
    ),
    "outside of a transaction": (
        "with op.get_context().autocommit_block():\n    op.execute('UPDATE t SET n = 7')"
    ),
    "commits itself": "op.execute('COMMIT')\nop.execute('UPDATE t SET n = 7')",
}


@pytest.mark.parametrize("form", WRITING)
def test_rows_are_seen_to_change_whoever_writes(project: Project, db: Database, form: str) -> None:
    evidence = seen(project, db, WRITING[form])
    changed = [write for write in writes(evidence) if write.table == "public.t"]
    assert sum(write.updated for write in changed) >= 2
    assert "public.t.n" in evidence.overwrites


CHANGING = {
    "batch": "with op.batch_alter_table('t') as batch:\n    batch.add_column(sa.Column('c', sa.Integer))",
    "loop": "for table in ('t',):\n    op.add_column(table, sa.Column('c', sa.Integer))",
    "refuses offline": (
        "assert not op.get_context().as_sql\nif sa.inspect(op.get_bind()).has_table('t'):\n"
        "    op.add_column('t', sa.Column('c', sa.Integer))"
    ),
    "two in one string": "op.execute('ALTER TABLE t ADD c int; ALTER TABLE t ALTER c SET DEFAULT 1')",
    "savepoint that fails": (
        "bind = op.get_bind()\ntry:\n    with bind.begin_nested():\n"
        "        bind.execute(sa.text('ALTER TABLE u ADD x int'))\n"
        "        bind.execute(sa.text('SELECT 1 / 0'))\nexcept sa.exc.DBAPIError:\n    pass\n"
        "op.add_column('t', sa.Column('c', sa.Integer))"
    ),
    "DO that catches": (
        "op.execute('DO $$ BEGIN BEGIN ALTER TABLE u ADD x int; PERFORM 1 / 0; "
        "EXCEPTION WHEN OTHERS THEN NULL; END; ALTER TABLE t ADD c int; END $$')"
    ),
    "forgets what was prepared": "op.execute('DEALLOCATE ALL')\nop.execute('ALTER TABLE t ADD c int')",
    "another role": (
        "op.execute('CREATE TABLE mine (id int)')\nop.execute('SET ROLE pg_read_all_data')\n"
        "op.execute('SELECT 1')\nop.execute('RESET ROLE')\nop.execute('ALTER TABLE t ADD c int')\n"
        "op.execute('DROP TABLE mine')"
    ),
}


@pytest.mark.parametrize("form", CHANGING)
def test_changes_are_seen_however_they_are_made(project: Project, db: Database, form: str) -> None:
    evidence = seen(project, db, CHANGING[form], "ALTER TABLE t DROP c")
    acts = [act for statement in evidence.statements for act in statement.did("add column")]
    assert [act.name for act in acts if act.table == "public.t"] == ["public.t.c"]
    assert Lock("public.t", "ACCESS EXCLUSIVE") in [
        lock for statement in evidence.statements for lock in statement.locks
    ]
    assert evidence.round_trip and evidence.lossless


def test_rows_are_inserted_in_bulk(project: Project, db: Database) -> None:
    evidence = seen(
        project,
        db,
        "t = sa.table('t', sa.column('id', sa.Integer), sa.column('name', sa.Text))\n"
        "op.bulk_insert(t, [{'id': 1000 + n, 'name': str(n)} for n in range(50)])",
        "DELETE FROM t WHERE id BETWEEN 1000 AND 1049",
    )
    assert sum(write.inserted for write in writes(evidence)) == 50
    assert evidence.lossless


def test_a_transaction_ends_where_the_revision_ends_it(project: Project, db: Database) -> None:
    evidence = seen(
        project,
        db,
        "op.execute('ALTER TABLE t ADD c int')\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE INDEX CONCURRENTLY i ON t (n)')\n"
        "    op.execute('ALTER TABLE t ALTER id SET NOT NULL')\n"
        "    op.execute('ALTER TABLE t ADD CHECK (id > 0)')\n"
        "op.execute('ALTER TABLE t ALTER c SET DEFAULT 1')\nop.execute('UPDATE t SET c = 2')",
    )
    parts = [(s.transaction, s.autocommit, len(s.held)) for s in evidence.statements]
    assert parts == [(0, False, 0), *((n, True, 0) for n in (1, 2, 3)), (4, False, 0), (4, False, 1)]
    build, _, tighten = evidence.statements[1:4]
    assert build.locks == (Lock("public.t", "SHARE UPDATE EXCLUSIVE"),)
    assert (build.scans, build.builds) == (("public.t", "public.t"), (("public.i", "public.t"),))
    assert tighten.locks == (Lock("public.t", "ACCESS EXCLUSIVE"),)
    assert tighten.scans == ("public.t",)


def test_branches_merges_and_dependencies(project: Project, db: Database) -> None:
    project.add("a1", None, TABLES, DROP)
    project.add("b2", "a1", "ALTER TABLE t ADD b int", "ALTER TABLE t DROP b")
    project.add("c2", "a1", "ALTER TABLE t ADD c int", "ALTER TABLE t DROP c", more="depends_on = ('b2',)")
    project.add("d3", ("b2", "c2"), "ALTER TABLE t RENAME b TO d", "ALTER TABLE t RENAME d TO b")
    evidence = rehearse(project.history(), db.target)
    assert [r.round_trip_error for r in evidence.revisions.values()] == [None] * 4
    assert [act.now for act in evidence.revisions["d3"].statements[0].acts] == ["public.t.d"]


def test_revisions_in_several_folders(project: Project, db: Database) -> None:
    project.add("a1", None, TABLES, DROP)
    project.add("b2", "a1", "ALTER TABLE t ADD b int", "ALTER TABLE t DROP b")
    first, second = project.folder / "versions" / "2024", project.folder / "versions" / "2025"
    for folder, file in ((first, "a1_change.py"), (second, "b2_change.py")):
        folder.mkdir()
        (project.folder / "versions" / file).rename(folder / file)
    evidence = rehearse(project.history(), db.target)
    assert [seen.file for seen in evidence.revisions.values()] == [
        "versions/2024/a1_change.py",
        "versions/2025/b2_change.py",
    ]


NEEDY = "first = op.get_bind().execute(sa.text('SELECT min(id) FROM t')).scalar()\nassert first is not None"


def test_a_revision_that_needs_rows(project: Project, db: Database) -> None:
    assert seen(project, db, NEEDY).round_trip


def test_a_base_that_needs_rows(project: Project, db: Database) -> None:
    project.add("a1", None, TABLES, DROP).add("b2", "a1", SA + NEEDY)
    history = project.add("c3", "b2", "ALTER TABLE t DROP name", "ALTER TABLE t ADD name text").history()
    prepare_base(history, db.target, ["a1", "b2"])
    evidence = rehearse(history, db.target)
    assert evidence.order == ("c3",)
    assert evidence.base_revisions == ("a1", "b2")
    assert "public.t" in evidence.base["relation"]
    (loss,) = evidence.revisions["c3"].row_losses
    assert loss[:2] == ("public.t", "name") and loss[2] > 1
    assert evidence.catalog_at(["c3"]) == db.catalog()
    assert Evidence.from_json(evidence.to_json()) == evidence


REFUSING = {
    "raises": "DO $$ BEGIN IF EXISTS (SELECT FROM t) THEN RAISE EXCEPTION 'rows'; END IF; END $$",
    "duplicates": "ALTER TABLE t ADD CONSTRAINT one CHECK (n IS NULL)",
    "casts": "ALTER TABLE t ALTER name TYPE int USING name::int",
}


@pytest.mark.parametrize("why", REFUSING)
def test_seeds_that_a_revision_cannot_take_are_taken_away(project: Project, db: Database, why: str) -> None:
    evidence = seen(project, db, REFUSING[why])
    assert "public.t" in evidence.unseeded


def test_seeds_are_made_anew_for_a_schema_that_asks_for_more(project: Project, db: Database) -> None:
    project.add("a1", None, TABLES, DROP)
    project.add("b2", "a1", "ALTER TABLE u ADD CONSTRAINT k FOREIGN KEY (t) REFERENCES t NOT VALID")
    project.add("c3", "b2", "ALTER TABLE u VALIDATE CONSTRAINT k")
    validated = rehearse(project.history(), db.target).revisions["c3"]
    assert validated.unseeded == ()
    assert validated.statements[0].scans == ("public.t", "public.u")


def test_a_revision_outside_of_transactions_that_seeds_stop_half_way(project: Project, db: Database) -> None:
    up = (
        "with op.get_context().autocommit_block():\n    op.execute('ALTER TABLE t ADD c int')\n"
        "    op.execute('ALTER TABLE t ADD CHECK (n IS NULL)')"
    )
    evidence = seen(project, db, up)
    assert "public.t" in evidence.unseeded
    assert [act.kind for act in evidence.statements[-1].acts] == ["add constraint"]


def test_roles_made_in_another_order_make_no_other_evidence(
    postgres: EmbeddedPostgres, project: Project, db: Database
) -> None:
    try:
        first = seen(project, db, "GRANT SELECT ON t TO z_reads\nGRANT SELECT ON t TO a_reads")
        db.empty()
        again = rehearse(project.history(), db.target).revisions["b2"]
        assert first.roles == again.roles == ("a_reads", "z_reads")
    finally:
        db.empty()
        postgres.execute("DROP ROLE IF EXISTS a_reads, z_reads")


def test_roles_that_scratch_lacks(postgres: EmbeddedPostgres, project: Project, db: Database) -> None:
    role = "reader_of_t"
    try:
        first = seen(project, db, f"GRANT SELECT ON t TO {role}", f"REVOKE SELECT ON t FROM {role}")
        db.empty()
        again = rehearse(project.history(), db.target).revisions["b2"]
        assert first.roles == again.roles == (role,)
        assert first.round_trip
    finally:
        db.empty()
        postgres.execute(f"DROP ROLE IF EXISTS {role}")


def test_a_role_that_may_not_be_made(postgres: EmbeddedPostgres, project: Project, database: str) -> None:
    postgres.execute("CREATE ROLE guest LOGIN")
    postgres.execute("GRANT ALL ON SCHEMA public TO guest", database.rpartition("/")[2])
    project.add("a1", None, "CREATE TABLE t (id int)").add("b2", "a1", "GRANT SELECT ON t TO nobody_there")
    try:
        with pytest.raises(RehearsalFailed, match='the role "nobody_there"') as failed:
            rehearse(project.history(), target_from_url(database.replace("postgres@", "guest@")))
        assert "CREATE ROLE" in str(failed.value)
    finally:
        name = database.rpartition("/")[2]
        postgres.execute("DROP OWNED BY guest CASCADE", name)
        postgres.execute("DROP ROLE guest")


def test_what_fails_and_is_caught_is_there_with_no_effect(project: Project, db: Database) -> None:
    evidence = seen(project, db, CHANGING["savepoint that fails"])
    first, failed, last = evidence.statements
    assert failed == Effects("SELECT 1 / 0", held=failed.held, undone=True)
    assert first.undone and not last.undone


GONE_BACK = """bind = op.get_bind()
with bind.begin_nested():
    bind.execute(sa.text("SELECT 1"))
there = bind.begin_nested()
bind.execute(sa.text("DROP TABLE t"))
there.rollback()
bind.execute(sa.text("ALTER TABLE u ADD y int"))"""


def test_what_a_savepoint_took_back_changes_no_later_revision(project: Project, db: Database) -> None:
    evidence = seen(project, db, GONE_BACK)
    assert [each.undone for each in evidence.statements] == [False, True, False]
    assert evidence.drops == ()
