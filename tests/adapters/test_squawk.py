"""squawk: the SQL that really ran goes in, and only what the text alone shows comes out."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from dbmigrate.adapters.squawk import SquawkFailed, lint
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.text_rules import HEARD

SQUAWK = Path(str(shutil.which("squawk", path=str(Path(sys.executable).parent))))


def said(*sql: str) -> list[tuple[str, int]]:
    """The rules that we listen to, and their statements."""
    found = lint(SQUAWK, {"r1": tuple(Effects(each) for each in sql)}, 15)
    assert {revision for revision, _ in found} <= {"r1"}
    return [(text.rule, text.statement) for _, text in found if text.rule in HEARD]


def test_it_names_the_statement() -> None:
    assert said("SELECT\n\n1", "ALTER TABLE a ADD b char(3);", "UPDATE a SET b = 1, b = 2") == [
        ("ban-char-field", 2),
        ("ban-duplicate-column-assignments", 3),
        ("ban-duplicate-column-assignments", 3),
    ]


def test_bound_values_and_what_it_cannot_parse_hide_nothing() -> None:
    assert said(
        "INSERT INTO a (x) VALUES (%s)  -- with ('50 %',)",
        "UPDATE a SET x = 'q …  -- not the same each time",
        "nonsense (",
        "SELECT 5 %% 2, x::int FROM a WHERE y = :y  -- with {'y': 1}",
        "ALTER TABLE a ADD b char(3)",
    ) == [("ban-char-field", 5)]


def test_it_knows_that_a_transaction_is_around() -> None:
    assert ("transaction-nesting", 1) in said("BEGIN")


def test_a_silencing_comment_needs_a_reason_that_this_one_has_not() -> None:
    assert said("-- squawk-ignore ban-char-field\nALTER TABLE a ADD b char(3)") == [("ban-char-field", 1)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON a (b)",
        "CREATE INDEX CONCURRENTLY i ON a (b)",
        "ALTER TABLE a ADD b bigint NOT NULL DEFAULT 5",
        "ALTER TABLE a ADD b timestamptz DEFAULT now()",
        "ALTER TABLE a ALTER b TYPE varchar(50)",
        "ALTER TABLE a ALTER b SET NOT NULL",
        "ALTER TABLE a DROP COLUMN b",
        "ALTER TABLE a DROP CONSTRAINT c",
        "DROP VIEW v",
        "TRUNCATE a CASCADE",
        "ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)",
        "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (id)",
        "ALTER TYPE e ADD VALUE 'x'",
        "CREATE TABLE t (id int PRIMARY KEY, name varchar(5), at timestamp)",
    ],
)
def test_what_effects_show_and_taste_are_silent(sql: str) -> None:
    assert said(sql) == []


def test_nothing_to_read_is_nothing_found() -> None:
    assert lint(SQUAWK, {}, 15) == [] and lint(SQUAWK, {"r1": ()}, 15) == []


def test_a_squawk_that_fails_is_named(tmp_path: Path) -> None:
    for text in ("#!/bin/sh\nexit 7\n", "#!/bin/sh\necho '{\"a\": 1}'\n"):
        broken = tmp_path / "squawk"
        broken.write_text(text)
        broken.chmod(0o755)
        with pytest.raises(SquawkFailed, match="squawk failed"):
            lint(broken, {"r1": (Effects("SELECT 1"),)}, 15)
    with pytest.raises(SquawkFailed, match="FileNotFound"):
        lint(tmp_path / "absent", {"r1": (Effects("SELECT 1"),)}, 15)
