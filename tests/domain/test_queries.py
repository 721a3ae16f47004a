"""Files of queries, in every form in which people have them."""

from __future__ import annotations

import json

import pytest

from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.queries import Query, read_queries


def texts(file: str) -> list[str]:
    return [query.text for query in read_queries(file)]


FORMS = {
    "a query a line": "SELECT 1\nSELECT 2\n\n",
    "parted by semicolons": "SELECT\n  1;\n-- why; not\nSELECT 2;",
    "a list of texts": json.dumps(["SELECT 1", "SELECT 2"]),
    "a list of objects": json.dumps([{"query": "SELECT 1", "calls": 3}, {"query": "SELECT 2;"}]),
    "a table": 'userid,query,calls\n1,"SELECT 1",2\n1,"SELECT\n  2",2\n',
    "one column": "query\nSELECT 1\nSELECT 2\n",
    "twice the same": "SELECT 1\nSELECT 2\nSELECT 1\n",
    "with what is not planned": "BEGIN\nSELECT 1\nVACUUM orders\nSET timezone = 'UTC'\nSELECT 2\nCOMMIT\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_queries(name: str) -> None:
    assert [" ".join(text.replace("-- why; not", "").split()) for text in texts(FORMS[name])] == [
        "SELECT 1",
        "SELECT 2",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ';', \";\", $$;$$, $x$;$x$, E'\\';' /* ; */ FROM a",
        "WITH b AS (SELECT 1) UPDATE a SET x = $1",
        "(SELECT 1) UNION (SELECT 2)",
        "INSERT INTO a VALUES ($1) ON CONFLICT (x) DO NOTHING",
        "SELECT * FROM a FOR UPDATE SKIP LOCKED",
    ],
)
def test_a_query_stays_whole(query: str) -> None:
    assert texts(f"{query};\nDELETE FROM b") == [query, "DELETE FROM b"]


def test_a_comment_may_stand_before_it() -> None:
    assert len(texts("/* api:orders */ SELECT 1")) == 1


def test_its_values_are_counted() -> None:
    (query,) = read_queries("SELECT $1, '$7' FROM a WHERE b = $3 AND c = a$9")
    assert query.parameters == 3


def test_a_literal_that_was_taken_out_is_cast() -> None:
    assert texts("SELECT now() - interval $1, date $2, a.date FROM a") == [
        "SELECT now() - $1::interval, $2::date, a.date FROM a"
    ]


def test_search_path_holds_for_what_follows() -> None:
    assert read_queries("SELECT 1; SET search_path TO shop, public; SELECT 2") == (
        Query("SELECT 1"),
        Query("SELECT 2", "shop, public"),
    )


@pytest.mark.parametrize("file", ["", "VACUUM", '["', '[{"text": "SELECT 1"}]', "[1]"])
def test_a_file_without_a_query_is_refused(file: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_queries(file)
    assert refused.value.hint
