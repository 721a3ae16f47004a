"""Two columns that a trigger keeps the same, whichever of them the application writes.

The leader has the names, the default and the constraints; the follower has copies of them. They are the same
column before and after a change, and a step can exchange their parts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from dbmigrate.adapters.operations.look import full_name, oid_of, quoted, value
from dbmigrate.adapters.operations.work import Work
from dbmigrate.domain.unfinished import SURE, SYNC

LONGEST_NAME = 63  # bytes of an identifier
COPY = "_new"
TOLD = ("leader", "follower", "called", "forward", "back")

# What was written last is told by its image: 1.0 and 1.00 are equal, but not the same, and json is not equal
# to anything. Whoever writes the leader does not fail where the follower cannot hold the value: it has NULL.
FUNCTION = """CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $sync$
DECLARE wanted {type};
BEGIN
  {forward}
  IF ROW(NEW.{follower})::record *<> ROW(OLD.{follower})::record
     AND ROW(NEW.{follower})::record *<> ROW(wanted)::record THEN
    {back}
  ELSE
    NEW.{follower} := wanted;
  END IF;
  RETURN NEW;
END $sync$"""


@dataclass(frozen=True)
class Pair:
    """``forward`` makes the follower's value of the leader's, ``back`` the other way, both SQL in which the
    value is called ``called``; "" where it is just taken over. ``about`` names the trigger."""

    table: str
    schema: str | None
    leader: str
    follower: str
    about: tuple[str, ...]
    called: str = ""
    forward: str = ""
    back: str = ""

    @property
    def target(self) -> str:
        return full_name(self.schema, self.table)

    @property
    def oid(self) -> str:
        return oid_of(self.schema, self.table)

    @property
    def trigger(self) -> str:
        return shortened("_".join((SYNC, self.table, *self.about)))

    def flipped(self, leader: str, follower: str) -> Pair:
        """The pair with its roles exchanged, under these names."""
        return replace(self, leader=leader, follower=follower, forward=self.back, back=self.forward)

    def has_trigger(self, work: Work) -> bool:
        return work.is_true(
            f"EXISTS (SELECT FROM pg_trigger WHERE tgrelid = {self.oid} AND tgname = {value(self.trigger)})"
        )

    def has_column(self, work: Work, name: str) -> bool:
        return work.is_true(
            f"EXISTS (SELECT FROM pg_attribute WHERE attrelid = {self.oid} AND attname = {value(name)} "
            "AND NOT attisdropped)"
        )

    def function(self, work: Work) -> str:
        """The trigger's function by its full name: it is in the table's schema."""
        found = work.ask(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.oid = {self.oid}"
        )
        return full_name(found[0][0], self.trigger)

    def function_sql(self, work: Work) -> str:
        """The function that keeps them the same."""
        follower, leader = quoted(self.follower), quoted(self.leader)
        type_ = work.ask(
            f"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = {self.oid} "
            f"AND attname = {value(self.follower)}"
        )[0][0]
        return FUNCTION.format(
            function=self.function(work),
            type=type_,
            follower=follower,
            forward=self._forward(leader),
            back=f"NEW.{leader} := {self._converted(self.back, follower)};",
        )

    def _forward(self, leader: str) -> str:
        sql = f"wanted := {self._converted(self.forward, leader)};"
        return f"BEGIN {sql} EXCEPTION WHEN OTHERS THEN wanted := NULL; END;" if self.forward else sql

    def _converted(self, expression: str, source: str) -> str:
        if not expression:
            return f"NEW.{source}"
        return f"(SELECT {expression} FROM (SELECT NEW.{source} AS {quoted(self.called)}) AS given)"

    def trigger_sql(self, work: Work) -> str:
        return (
            f"CREATE TRIGGER {quoted(self.trigger)} BEFORE INSERT OR UPDATE ON {self.target} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.function(work)}()"
        )

    def make_function(self, work: Work) -> None:
        """Make or replace the function; its comment says what it does, for the operations that come later."""
        words = {name: getattr(self, name) for name in TOLD}
        work.run(self.function_sql(work))
        work.run(f"COMMENT ON FUNCTION {self.function(work)}() IS {value(json.dumps(words))}")

    def as_made(self, work: Work) -> Pair | None:
        """The pair as its trigger has it now; None where there is no trigger."""
        rows = work.ask(
            "SELECT obj_description(tgfoid, 'pg_proc') FROM pg_trigger "
            f"WHERE tgrelid = {self.oid} AND tgname = {value(self.trigger)}"
        )
        return replace(self, **json.loads(rows[0][0])) if rows else None

    def drop_trigger(self, work: Work) -> list[str]:
        return [
            f"DROP TRIGGER IF EXISTS {quoted(self.trigger)} ON {self.target}",
            f"DROP FUNCTION IF EXISTS {self.function(work)}()",
        ]


def shortened(name: str) -> str:
    """The same name each time, and never longer than PostgreSQL keeps."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[: LONGEST_NAME - SURE - 1]
    return f"{name.encode()[:SURE].decode(errors='ignore')}_{mark}"


def copy_name(name: str) -> str:
    """What the follower's copy of an index or a constraint is called."""
    return shortened(f"{name}{COPY}")
