"""What each small change is to an application that runs, seen on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.project import Project, concurrently

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.compatibility import Phase, deploy_order, phases
from dbmigrate.domain.evidence import Evidence
from dbmigrate_local.embedded import EmbeddedPostgres

START = """CREATE TYPE mood AS ENUM ('sad', 'glad')
CREATE TABLE a (id bigint PRIMARY KEY, name varchar(20), n int NOT NULL DEFAULT 1, feels mood, made timestamp)
ALTER TABLE a ADD CONSTRAINT named CHECK (name IS NOT NULL)
CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint, code text)
CREATE TABLE parent (id bigint PRIMARY KEY)
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint CONSTRAINT child_fk REFERENCES parent)
CREATE VIEW seen AS SELECT id, code FROM b
CREATE FUNCTION greet(text) RETURNS text LANGUAGE sql AS 'SELECT $1'
GRANT SELECT, INSERT ON b TO pg_monitor"""
# What it does, its phase, what the running application loses, what the new one needs.
CHANGES = {
    "an index": (concurrently("CREATE INDEX CONCURRENTLY ix ON b (code)"), "expand", "", ""),
    "a table": ("CREATE TABLE c (id bigint PRIMARY KEY, a_id bigint REFERENCES a)", "expand", "", "public.c"),
    "a column": ("ALTER TABLE b ADD x text", "expand", "", "public.b.x"),
    "a column with its constraint": ("ALTER TABLE b ADD y text CHECK (y <> '')", "expand", "", "public.b.y"),
    "a value": (concurrently("ALTER TYPE mood ADD VALUE 'calm'"), "expand", "", "'calm'"),
    "a wider text": ("ALTER TABLE a ALTER name TYPE varchar(40)", "expand", "", "varying(20) before"),
    "no longer required": ("ALTER TABLE a ALTER n DROP NOT NULL", "expand", "", "refuses NULL before"),
    "a check taken away": ("ALTER TABLE a DROP CONSTRAINT named", "expand", "", "named refuses rows before"),
    "a comment": ("COMMENT ON TABLE a IS 'why'", "expand", "", ""),
    "a table under both names": ("ALTER TABLE a RENAME TO aa\nCREATE VIEW a AS SELECT * FROM aa", "expand",
                                 "", "public.aa"),
    "a parent under both names": (
        "ALTER TABLE parent RENAME TO elder\nCREATE VIEW parent AS SELECT * FROM elder", "expand",
        "", "public.elder",
    ),
    "a function that nobody calls": (
        "CREATE FUNCTION tidy() RETURNS void LANGUAGE sql AS 'UPDATE b SET code = NULL'", "expand",
        "", "tidy()",
    ),
    "a constraint moved to an index": ("ALTER TABLE b RENAME CONSTRAINT b_pkey TO pk_b", "expand", "", ""),
    "rows": ("UPDATE b SET code = coalesce(code, 'none')", "migrate", "", ""),
    "a column dropped": ("ALTER TABLE a DROP made", "contract", "public.a.made is gone", ""),
    "a table dropped": ("DROP VIEW seen\nDROP TABLE b", "contract", "public.b is gone", ""),
    "a check": ("ALTER TABLE a ADD CHECK (n > 0) NOT VALID", "contract", "violate a_n_check", ""),
    "a unique key": ("ALTER TABLE b ADD UNIQUE (code)", "contract", "violate b_code_key", ""),
    "a foreign key": ("ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a NOT VALID", "contract",
                      "a_id_fkey", ""),
    "required": ("ALTER TABLE b ALTER code SET NOT NULL", "contract", "NULL into public.b.code", ""),
    "required as proved": ("ALTER TABLE a ALTER name SET NOT NULL", "expand", "", ""),
    "a default taken away": ("ALTER TABLE a ALTER n DROP DEFAULT", "contract", "its default is gone", ""),
    "a narrower number": ("ALTER TABLE a ALTER n TYPE smallint", "contract", "refused or cut", ""),
    "a privilege taken away": ("REVOKE INSERT ON b FROM pg_monitor", "contract", "loses INSERT", ""),
    "a function dropped": ("DROP FUNCTION greet(text)", "contract", "greet(text) is gone", ""),
    "row security": ("ALTER TABLE b ENABLE ROW LEVEL SECURITY", "contract", "row security is on", ""),
    "a value renamed": ("ALTER TYPE mood RENAME VALUE 'sad' TO 'low'", "mixed", "no value 'sad'", "'low'"),
    "a column renamed": ("ALTER TABLE a RENAME made TO born", "mixed", "public.a.born now", "public.a.born"),
    "another type": ("ALTER TABLE b ALTER a_id TYPE text", "mixed", "another type", "is bigint before"),
    "a required column": ("ALTER TABLE b ADD z int NOT NULL DEFAULT 1\nALTER TABLE b ALTER z DROP DEFAULT",
                          "mixed", "inserts into public.b fail", "public.b.z"),
    "added and filled": ("ALTER TABLE b ADD w text\nUPDATE b SET code = 'x' WHERE code IS NULL", "mixed",
                         "", "public.b.w"),
    "a view without a column": ("DROP VIEW seen\nCREATE VIEW seen AS SELECT id FROM b", "contract",
                                "public.seen.code is gone", ""),
    "another answer": (
        "DROP FUNCTION greet(text)\nCREATE FUNCTION greet(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "mixed", "RETURNS integer now", "RETURNS text before",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def template(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with START, to be copied."""
    url = postgres.create_database("compatible")
    project = Project(tmp_path_factory.mktemp("start") / "project").add("a1", None, START)
    rehearse(project.history(), target_from_url(url))
    return "compatible"


def seen(postgres: EmbeddedPostgres, template: str, folder: Path, *changes: str) -> Evidence:
    project, last = Project(folder).add("a1", None, START), "a1"
    for number, change in enumerate(changes, 2):
        project.add(f"a{number}", last, change)
        last = f"a{number}"
    name = f"compatible_{abs(hash(changes))}"
    try:
        return rehearse(project.history(), target_from_url(postgres.create_database(name, template)))
    finally:
        postgres.drop_database(name)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_what_it_is(postgres: EmbeddedPostgres, template: str, tmp_path: Path, name: str) -> None:
    change, kind, lost, needed = CHANGES[name]
    found = phases(seen(postgres, template, tmp_path / "p", change), ["a1"], ["a2"])["a2"]
    assert found.kind == kind, found
    assert (lost in "\n".join(found.breaks_old)) if lost else found.breaks_old == (), found
    assert (needed in "\n".join(found.breaks_new)) if needed else found.breaks_new == (), found
    assert (found.split is not None) == (kind == "mixed")


def test_what_the_plan_makes_itself_nobody_knows(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> None:
    evidence = seen(
        postgres,
        template,
        tmp_path / "p",
        "ALTER TABLE b ADD x text\nCREATE TABLE c (id bigint)",
        "ALTER TABLE b RENAME x TO y\nALTER TABLE c ADD z int NOT NULL",
        "ALTER TABLE b DROP y\nDROP TABLE c",
    )
    found = phases(evidence, ["a1"], ["a2", "a3", "a4"])
    assert all(phase.breaks_old == () for phase in found.values())
    assert phases(evidence, ["a3"], ["a4"])["a4"].kind == "contract", (
        "another application may know it by then"
    )


def test_what_is_new_and_required_is_tightened_later_and_not_taken_away(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> None:
    change = "ALTER TABLE b DROP code CASCADE\nALTER TABLE b ADD x text NOT NULL"
    split = phases(seen(postgres, template, tmp_path / "p", change), ["a1"], ["a2"])["a2"].split or ""
    expand, _, contract = split.partition("; then contract: ")
    assert expand.startswith("expand: add public.b.x first, nullable or with a default")
    taken, _, tightened = contract.partition(" and tighten ")
    assert "public.b.code" in taken and "public.b.x" not in taken
    assert tightened.startswith("public.b.x in a later plan")


OLD, NEW = Phase("contract", ("x is gone",)), Phase("expand", (), ("y is there only after it",))


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([], "any"),
        ([Phase("migrate")], "any"),
        ([NEW, Phase("migrate")], "schema first"),
        ([Phase("migrate"), OLD], "code first"),
        ([NEW, NEW, Phase("migrate"), OLD], "between"),
        ([OLD, NEW], "none"),
        ([NEW, Phase("mixed", ("x is gone",), ("y",))], "none"),
    ],
)
def test_the_order_of_a_deploy(found: list[Phase], kind: str) -> None:
    order = deploy_order({f"r{number}": phase for number, phase in enumerate(found)})
    assert order.kind == kind
    assert order.after == ("r1" if kind == "between" else None)
