"""Differences as people read them: by object, in words and SQL types."""

from __future__ import annotations

import pytest

from dbmigrate.domain.catalog import Catalog, changes_between
from dbmigrate.domain.changelog import changelog, describe_changes, renames_of, to_json, to_lines
from dbmigrate.domain.effects import Act, Effects

ORDERS: Catalog = {
    "relation": {"public.orders": "r|p", "public.users": "r|p"},
    "column": {
        "public.orders.id": "bigint NOT NULL IDENTITY ALWAYS",
        "public.orders.total": "numeric(10,2)",
        "public.orders.user_id": "bigint",
        "public.users.id": "bigint NOT NULL",
    },
    "index": {"public.ix_old": "CREATE INDEX ix_old ON public.orders USING btree (total)"},
    "constraint": {"public.users.users_pkey": "PRIMARY KEY (id)"},
}


def changed(**kinds: dict[str, str | None]) -> Catalog:
    """ORDERS with these objects; None takes one away."""
    after = {kind: dict(objects) for kind, objects in ORDERS.items()}
    for kind, objects in kinds.items():
        for name, what in objects.items():
            if what is None:
                del after[kind][name]
            else:
                after.setdefault(kind, {})[name] = what
    return after


def lines(after: Catalog, before: Catalog = ORDERS) -> list[str]:
    return describe_changes(before, changes_between(before, after))


def test_a_table_with_all_that_belongs_to_it() -> None:
    key = "FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE NOT VALID"
    after = changed(
        column={"public.orders.total": "numeric(12,2)", "public.orders.paid_at": "timestamp with time zone"},
        constraint={"public.orders.orders_user_id_fkey": key},
        index={"public.ix_old": None},
        trigger={"public.orders.t": "CREATE TRIGGER t AFTER INSERT ON public.orders EXECUTE FUNCTION f()"},
        policy={"public.orders.own": "FOR SELECT TO PUBLIC USING (true)"},
        grant={"table public.orders to app": "SELECT", "column public.orders.total to app": "UPDATE"},
        comment={"table public.orders": "what is sold", "table column public.orders.total": "in euro"},
        owner={"table public.orders": "app"},
    )
    assert lines(after) == [
        "~ table public.orders",
        "+   column paid_at timestamptz, nullable",
        "~   column total: numeric(10,2) -> numeric(12,2)",
        "+   foreign key orders_user_id_fkey (user_id) -> public.users(id), on delete cascade, not valid",
        "-   index public.ix_old",
        "+   trigger t AFTER INSERT EXECUTE FUNCTION f()",
        "+   policy own FOR SELECT TO PUBLIC USING (true)",
        "+   owner: app",
        "+   grant on column total to app: UPDATE",
        "+   grant to app: SELECT",
        "+   comment on column total: 'in euro'",
        "+   comment: 'what is sold'",
    ]


def test_a_new_table_is_whole_but_compact() -> None:
    listed = "('a'::character varying)::text, ('b'::character varying)::text"
    text = f"CHECK (((state)::text = ANY (ARRAY[{listed}])))"
    after = changed(
        relation={"public.items": "r|u|row security", "public.items_id_seq": "S|p"},
        column={
            "public.items.id": "integer NOT NULL DEFAULT nextval('public.items_id_seq'::regclass)",
            "public.items.state": "character varying(20) NOT NULL DEFAULT 'a'::character varying",
        },
        sequence={"public.items_id_seq": "integer START 1 OWNED BY public.items.id"},
        constraint={"public.items.items_pkey": "PRIMARY KEY (id)", "public.items.state": text},
        index={"public.items_pkey": "CREATE UNIQUE INDEX items_pkey ON public.items USING btree (id)"},
    )
    assert lines(after) == [
        "+ table public.items: unlogged, row security",
        "+   columns id integer not null default nextval('public.items_id_seq'::regclass)",
        "+   columns state varchar(20) not null default 'a'",
        "+   primary key items_pkey (id)",
        "+   check state (state IN ('a', 'b'))",
    ]
    assert lines(ORDERS, after) == ["- table public.items"]


@pytest.mark.parametrize(
    ("kind", "was", "now", "said"),
    [
        ("column", "bigint", "bigint NOT NULL", "column x: nullable -> not null"),
        ("column", "bigint NOT NULL DEFAULT 5", "bigint NOT NULL", "column x: default 5 -> no default"),
        ("column", "text", "text STORAGE EXTERNAL", "column x: no storage -> storage EXTERNAL"),
        ("column", "text", 'text COLLATE pg_catalog."C"', 'column x: no collate -> collate pg_catalog."C"'),
        ("constraint", "CHECK ((a > 0)) NOT VALID", "CHECK ((a > 0))", "check x: not valid -> valid"),
        ("constraint", "UNIQUE (a)", "UNIQUE (a, b)", "unique constraint x: (a) -> (a, b)"),
        (
            "trigger",
            "CREATE TRIGGER x BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE TRIGGER x BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION f() DISABLED",
            "trigger x: … f() -> … f() DISABLED",
        ),
    ],
)
def test_a_change_names_only_what_differs(kind: str, was: str, now: str, said: str) -> None:
    before, after = changed(**{kind: {"public.orders.x": was}}), changed(**{kind: {"public.orders.x": now}})
    assert lines(after, before) == ["~ table public.orders", f"~   {said}"]


def test_types_functions_and_what_stands_alone() -> None:
    before: Catalog = {
        "enum": {"public.mood": "good,bad"},
        "domain": {"public.mail": "text"},
        "function": {"public.f()": "CREATE OR REPLACE FUNCTION public.f()\n RETURNS int\nAS $$1$$"},
    }
    after: Catalog = {
        "enum": {"public.mood": "good,so so,bad"},
        "domain": {"public.mail": "text"},
        "constraint": {"public.mail.has_at": "CHECK ((VALUE ~ '@'::text))"},
        "function": {"public.f()": "CREATE OR REPLACE FUNCTION public.f()\n RETURNS int\nAS $$2$$"},
        "grant": {"schema public to app": "CREATE", "database to app": "CONNECT"},
        "setting": {"database work_mem": "9MB"},
    }
    assert lines(after, before) == [
        "~ domain public.mail",
        "+   check has_at (VALUE ~ '@')",
        "~ enum type public.mood",
        "+   value 'so so' after 'good'",
        "~ function public.f(): one definition -> another",
        "+ grant database to app: CONNECT",
        "~ schema public",
        "+   grant to app: CREATE",
        "+ setting database work_mem: 9MB",
    ]


def test_a_rename_is_told_as_one_and_nothing_that_only_follows_it() -> None:
    after: Catalog = {
        "relation": {"public.purchases": "r|p", "public.users": "r|p"},
        "column": {
            "public.purchases.id": "bigint NOT NULL IDENTITY ALWAYS",
            "public.purchases.amount": "numeric(12,2)",
            "public.purchases.user_id": "bigint",
            "public.users.id": "bigint NOT NULL",
        },
        "index": {"public.ix_old": "CREATE INDEX ix_old ON public.purchases USING btree (amount)"},
        "constraint": ORDERS["constraint"],
    }
    did = Effects(
        "…",
        acts=(
            Act("rename table", "public.orders", "public.orders", "public.orders", "public.purchases"),
            Act(
                "rename column",
                "public.orders",
                "public.purchases.total",
                "public.purchases.total",
                "public.purchases.amount",
            ),
        ),
    )
    found = changelog(ORDERS, changes_between(ORDERS, after), renames_of([did]))
    assert to_lines(found) == [
        "~ table public.purchases",
        "~   name: public.orders -> public.purchases",
        "~   name of column: total -> amount",
        "~   column amount: numeric(10,2) -> numeric(12,2)",
    ]
    without = to_lines(changelog(ORDERS, changes_between(ORDERS, after)))
    assert "- table public.orders" in without and "+ table public.purchases" in without


def test_the_json_has_the_same() -> None:
    (found,) = to_json(
        changelog(ORDERS, [("index", "public.ix_old", None), ("column", "public.orders.n", "integer")])
    )
    assert (found["mark"], found["kind"], found["name"]) == ("~", "table", "public.orders")
    assert found["details"] == (
        {"mark": "+", "kind": "column", "name": "n", "was": None, "now": "integer, nullable"},
        {"mark": "-", "kind": "index", "name": "public.ix_old", "was": "(total)", "now": None},
    )


def test_no_catalog_code_reaches_a_person() -> None:
    after = changed(
        relation={"public.users": "r|p|row security|forced", "public.s": "S|p", "public.m": "m|p|x"}
    )
    assert lines(after) == [
        "~ table public.users",
        "+   forced",
        "+   row security",
        "+ materialized view public.m: x",
        "+ sequence public.s",
    ]
