"""Each rule with what it catches and what it lets pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.domain.evidences import facts

from dbmigrate.domain.effects import Act, Effects, Lock
from dbmigrate.domain.errors import FindingsBlock
from dbmigrate.domain.findings import SEVERITIES, Finding, judge, refuse_blocking
from dbmigrate.domain.prediction import predict
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.sizes import SMALL_BYTES

SMALL = {"public.users": SMALL_BYTES - 1}
LARGE = {"public.users": SMALL_BYTES}
CONCURRENT = "CREATE INDEX CONCURRENTLY ix ON users (name)"
PLAIN_INDEX = Effects(
    "CREATE INDEX ix ON users (name)",
    locks=(Lock("public.users", "SHARE"),),
    builds=(("public.ix", "public.users"),),
    acts=(
        Act(
            "create index",
            "public.users",
            "public.ix",
            now="CREATE INDEX ix ON public.users USING btree (name)",
        ),
    ),
)
INSTEAD = """def upgrade() -> None:
    op.create_index_concurrently("ix", "users", ["name"])


def downgrade() -> None:
    op.drop_index_concurrently("ix", "users")"""


def found(**more: Any) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in judge(RULES.values(), [facts(**more)])]


BAD = [
    ("DM101", "review", {"drops": ("public.users",)}),
    ("DM101", "review", {"drops": ("public.users.name",)}),
    ("DM102", "review", {"round_trip": False, "round_trip_error": "the downgrade fails"}),
    ("DM103", "block", {"autocommit": True, "sql": (CONCURRENT, "ALTER TABLE users ADD x int")}),
    ("DM103", "block", {"autocommit": True, "sql": (CONCURRENT, "UPDATE made SET x = 1")}),
    (
        "DM103",
        "block",
        {"autocommit": True, "sql": ("ALTER TABLE users ADD x int", "UPDATE made SET x = 1")},
    ),
    ("DM103", "block", {"autocommit": True, "sql": ("CREATE TABLE a ()", "CREATE TABLE b ()")}),
    ("DM104", "note", {"statements": (PLAIN_INDEX,), "table_bytes": SMALL}),
    ("DM104", "block", {"statements": (PLAIN_INDEX,)}),
    ("DM104", "block", {"statements": (PLAIN_INDEX,), "table_bytes": LARGE}),
    ("DM105", "note", {"doc": "Because."}),
]
GOOD = [
    {},
    {"drops": ("public.made_in_this_plan", "public.other.name")},
    {"autocommit": True, "sql": (CONCURRENT,), "table_bytes": LARGE},
    {"autocommit": True, "sql": ("SET statement_timeout = 0", CONCURRENT, "DROP INDEX CONCURRENTLY old")},
    {"autocommit": True, "sql": ("ALTER TYPE mood ADD VALUE 'x'", "ALTER TYPE mood ADD VALUE 'y'")},
    {"autocommit": True, "sql": ("WITH b AS (SELECT 1) UPDATE made SET x = 1", "UPDATE made SET x = 1")},
    {"statements": (PLAIN_INDEX,), "existing": ()},
    {"doc": "Because.\n\nROLLBACK: drop it."},
]  # fmt: skip


@pytest.mark.parametrize(("rule", "severity", "case"), BAD)
def test_what_is_bad_is_caught(rule: str, severity: str, case: dict[str, Any]) -> None:
    assert found(**case) == [(rule, severity)]


@pytest.mark.parametrize("case", GOOD)
def test_what_is_good_passes(case: dict[str, Any]) -> None:
    assert found(**case) == []


def test_every_rule_says_what_to_write() -> None:
    assert {rule for rule, _, _ in BAD} <= set(RULES)
    assert all(rule.title and rule.instead and rule.check.__doc__ for rule in RULES.values())
    assert {severity for _, severity, _ in BAD} <= set(SEVERITIES)


def test_a_finding_says_where_what_waits_and_what_to_write() -> None:
    (finding,) = judge(RULES.values(), [facts(revision="b2", statements=(PLAIN_INDEX,))])
    assert finding == Finding(
        "DM104",
        "b2",
        "block",
        "CREATE INDEX takes SHARE on public.users: inserts, updates and deletes wait until ix is built.",
        INSTEAD,
        statement=1,
        relation="public.users",
        lock="SHARE",
        blocks="inserts, updates and deletes",
    )
    assert Finding.from_json(finding.to_json()) == finding


def test_findings_keep_the_order_of_the_revisions() -> None:
    both = [facts(revision="b2", doc=""), facts(revision="a1", doc="", drops=("public.users",))]
    assert [(finding.revision, finding.rule) for finding in judge(RULES.values(), both)] == [
        ("b2", "DM105"),
        ("a1", "DM101"),
        ("a1", "DM105"),
    ]


def test_what_blocks_is_refused_outside_of_development() -> None:
    blocking = judge(RULES.values(), [facts(statements=(PLAIN_INDEX,), table_bytes=LARGE)])
    refuse_blocking(blocking, "development")
    refuse_blocking(judge(RULES.values(), [facts(doc="")]), "production")
    with pytest.raises(
        FindingsBlock, match="DM104 a1: CREATE INDEX takes SHARE.*\n  Write instead: def upgrade"
    ):
        refuse_blocking(blocking, "staging")


KEY = Act("add constraint", "public.users", "public.users.fk", now="FOREIGN KEY (a) REFERENCES b(id)")
SRE = "SHARE ROW EXCLUSIVE"


@pytest.mark.parametrize(
    "locks, held, says",
    [
        ((Lock("public.users", SRE), Lock("public.b", SRE)), (), f"takes {SRE} on public.users and public.b"),
        (
            (Lock("public.b", SRE),),
            (Lock("public.users", "ACCESS EXCLUSIVE"),),
            "runs under ACCESS EXCLUSIVE, held from before, on public.users and reads it: every query",
        ),
    ],
)
def test_a_key_is_not_blamed_for_the_lock_of_an_earlier_statement(
    locks: tuple[Lock, ...], held: tuple[Lock, ...], says: str
) -> None:
    added = Effects("ALTER TABLE users ADD FOREIGN KEY (a) REFERENCES b", locks=locks, held=held, acts=(KEY,))
    told = judge([RULES["DM121"]], [facts(statements=(added,))])
    assert [finding for finding in told if says in finding.message], told


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("UPDATE users SET name = 'x'", {"DM177", "DM189"}),
        ("INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x'", set()),
        ("INSERT INTO users SELECT * FROM b ON CONFLICT (id) DO UPDATE SET name = 'x'", {"DM177", "DM189"}),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE users SET name = 'x' $$", set()),
        ("DO $$ BEGIN UPDATE users SET name = 'x'; END $$", {"DM177", "DM189"}),
        ("ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES a ON DELETE SET NULL ON UPDATE SET NULL", set()),
        ("COMMENT ON TABLE users IS 'DELETE FROM users'", set()),
    ],
)
def test_only_what_runs_now_writes_rows(sql: str, rules: set[str]) -> None:
    fact = replace(facts(sql=(sql,)), start={"column": {"public.users.name": "text"}})
    found = {finding.rule for finding in judge(RULES.values(), [fact])}
    assert found & {"DM177", "DM189"} == rules


def test_a_lock_from_before_is_held_longer_than_the_statement_runs() -> None:
    strong = Lock("public.users", "ACCESS EXCLUSIVE")
    first = Effects("ALTER TABLE users ADD a int", locks=(strong,))
    statements = (first, replace(PLAIN_INDEX, locks=(), held=(strong,)))
    fact = facts(statements=statements, table_bytes=SMALL)
    estimates = tuple(predict(statements, fact.sizes, fact.existing_tables))
    (told,) = judge([RULES["DM104"]], [replace(fact, estimates=estimates)])
    assert (told.seconds_high or 0) > (estimates[1].seconds_high or 0)


def test_a_key_of_a_new_table_is_told_once_where_it_is_added() -> None:
    definition = "FOREIGN KEY (a) REFERENCES b(id)"
    made = Effects("CREATE TABLE c (a int)", acts=(Act("create table", "public.c", "public.c"),))
    key = Act("add constraint", "public.c", "public.c.fk", now=definition)
    added = Effects("ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES b", acts=(key,))
    catalog = {"constraint": {"public.c.fk": definition}}
    fact = replace(facts(statements=(made, added)), after=catalog, end=catalog)
    assert [finding.statement for finding in judge([RULES["DM179"]], [fact])] == [2]


@pytest.mark.parametrize(("does", "word"), [("UPDATE SET name = b.n", "updates"), ("DELETE", "deletes")])
def test_a_merge_is_told_as_what_it_does_to_the_rows_that_it_finds(does: str, word: str) -> None:
    merge = f"MERGE INTO users u USING b ON u.id = b.id WHEN MATCHED THEN {does}"
    (told,) = judge([RULES["DM177"]], [facts(sql=(merge,), table_bytes=LARGE)])
    assert told.severity == "review"
    assert told.message.startswith(f"it {word} rows of public.users")
