"""Rules about the application version that runs while the schema changes under it."""

from __future__ import annotations

from collections.abc import Iterator

from dbmigrate.domain.breaks import breaks_of_old
from dbmigrate.domain.columns import column
from dbmigrate.domain.compatibility import MIXED, phase
from dbmigrate.domain.delta import Break, Delta
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_columns as write
from dbmigrate.domain.rules.look import listed, numbered, short
from dbmigrate.domain.rules.register import rule

CONTRACT = "A contraction: first release the application that does without, and run it in a later plan."
SHOWN = 4


def delta_of(facts: Facts) -> Delta:
    """The revision between the catalog that the running application knows and its own."""
    return Delta(facts.start, facts.before, facts.after, facts.evidence)


def _broken(facts: Facts, *what: str) -> list[Break]:
    return [each for each in breaks_of_old(delta_of(facts)) if each.what in what]


def _statement(facts: Facts, found: Break) -> int | None:
    """The statement that did it: that with an act on the very object, else the one that names it."""
    for number, effects in numbered(facts):
        if any(found.name in (act.name, act.was) for act in effects.acts):
            return number
    for number, effects in numbered(facts):
        if short(found.name).partition("(")[0] in effects.sql:
            return number
    return None


def _proof(facts: Facts, found: Break) -> int:
    """How many of the application's own queries no longer plan for it."""
    words = short(found.name).partition("(")[0]
    return sum(words in query for query, _ in facts.broken_queries)


@rule(
    "DM201",
    "the running application loses what it reads",
    hurts="between this revision and the end of the deploy every statement that names the table or the "
    "column fails, "
    "SELECT and INSERT of an object mapper among them, which name all columns",
    instead="stop reading and writing it in the application, deploy that everywhere, and drop it in a later "
    "plan",
)
def reads_lost(facts: Facts) -> Iterator[Hit]:
    """A table, a view or a column that was there before the plan is gone. Severity: review; block where a
    query of --queries no longer plans for it."""
    for found in _broken(facts, "gone"):
        proved = _proof(facts, found)
        seen = f" {proved} of the given queries no longer plan{'s' if proved == 1 else ''}." if proved else ""
        text = f"{found.text}.{seen} {CONTRACT}"
        yield Hit("block" if proved else "review", text, _statement(facts, found), found.relation or None)


@rule(
    "DM202",
    "the running application's inserts fail",
    hurts="an INSERT that does not name the column fails from this revision on until every old instance is "
    "gone",
    instead="a constant default for as long as the old version runs; drop it in a later plan",
)
def inserts_fail(facts: Facts) -> Iterator[Hit]:
    """A column that the running application does not know ends NOT NULL with nothing that fills it; or one
    that it writes is generated now. DM175 speaks of ADD COLUMN itself. Severity: block; review where a
    trigger of the table may fill it."""
    added = {
        act.name
        for _, effects in numbered(facts)
        for act in effects.did("add column")
        if column(act.now or "").must_be_given
    }
    for found in _broken(facts, "insert", "null"):
        known = found.name in facts.start.get("column", {})
        if found.name not in added and (found.what == "insert" or not known):
            severity = "block" if found.what == "insert" else "review"
            yield Hit(severity, f"{found.text}. {CONTRACT}", _statement(facts, found), found.relation)


@rule(
    "DM203",
    "the running application meets another type",
    hurts="its comparisons may find no operator, its writes no cast, and what it reads has another form",
    instead="op.expand_column_type: a second column of the new type beside the old one, which a trigger "
    "keeps equal; drop the old one in a later plan",
)
def other_type(facts: Facts) -> Iterator[Hit]:
    """A column that was there before the plan has a type of another kind. Within a kind (text and varchar,
    the integers, json and jsonb) clients notice nothing. Severity: review."""
    for found in _broken(facts, "type"):
        yield Hit(
            "review",
            f"{found.text}.",
            _statement(facts, found),
            found.relation,
        )


@rule(
    "DM204",
    "the running application may write what is refused now",
    hurts="a constraint holds for new rows at once, NOT VALID or not: what the old version still writes "
    "against it fails",
    instead="first release the application that writes only what fits; NOT NULL and CHECK are contractions "
    "too",
)
def refused(facts: Facts) -> Iterator[Hit]:
    """A CHECK, a foreign key, a unique or NOT NULL constraint is new for columns that the running application
    writes, or a default is gone that it may rely on, or row security is on. Silent where a CHECK said the
    same before. Severity: note; review for a default that is gone from a NOT NULL column, and for NOT NULL
    unless a check, which is a note itself, was valid first, as op.set_not_null does it."""
    for found in _broken(facts, "constraint", "null", "default", "conflict"):
        if found.name not in facts.start.get("column", {}) and found.what == "null":
            continue
        if found.what == "constraint" and found.name in facts.start.get("column", {}):
            continue  # DM174 speaks of narrower types
        null = found.what == "null" and not _checked_first(facts, found)
        fails = null or (found.what == "default" and "fail:" in found.text)
        yield Hit("review" if fails else "note", f"{found.text}.", _statement(facts, found), found.relation)


def _checked_first(facts: Facts, found: Break) -> bool:
    wanted = f"CHECK (({short(found.name)} IS NOT NULL))"
    validated = (act for _, effects in numbered(facts) for act in effects.did("validate constraint"))
    return any(act.table == found.relation and act.now == wanted for act in validated)


@rule(
    "DM205",
    "an enum value is no more",
    hurts="a statement with a value that the type does not know fails before it reads a row, and a driver "
    "that has the old "
    "list does not know the new name",
    instead="add the new value, move the rows, let the application write only the new one; the old value may "
    "stay for ever",
)
def value_gone(facts: Facts) -> Iterator[Hit]:
    """A value that an enum had before the plan is renamed, or gone with the type made again. Severity:
    block."""
    for found in _broken(facts, "enum"):
        text = f"{found.text}. {CONTRACT}"
        yield Hit("block", text, _of_type(facts, found.name))


def _of_type(facts: Facts, name: str) -> int | None:
    for number, effects in numbered(facts):
        if any(act.name == name for act in effects.did("rename enum value")) or (
            short(name) in effects.sql and "TYPE" in effects.sql.upper()
        ):
            return number
    return None


@rule(
    "DM206",
    "a function or an extension that is called is no more",
    hurts="calls with the old arguments fail, or their answer has another type",
    instead="make the new one beside the old one, under another name or with other arguments, and drop the "
    "old one later",
)
def calls_lost(facts: Facts) -> Iterator[Hit]:
    """A function that was there before the plan is gone under its arguments, or returns something else;
    trigger functions, which nobody calls, do not count. Severity: review."""
    for found in _broken(facts, "signature"):
        yield Hit("review", f"{found.text}. {CONTRACT}", _statement(facts, found))


@rule(
    "DM207",
    "a privilege is taken away",
    hurts="whoever logs in with that role is refused from the next statement on",
    instead="take it away when nothing uses it any more: pg_stat_statements by role tells",
)
def privilege_lost(facts: Facts) -> Iterator[Hit]:
    """A role has less on an object than before the plan. Severity: review."""
    for found in _broken(facts, "privilege"):
        yield Hit("review", f"{found.text}.", _statement(facts, found))


@rule(
    "DM208",
    "a name changes under the running application",
    hurts="there is no moment at which old and new application both work: the old one knows only the old "
    "name, the new one "
    "only the new",
    instead="a table: rename it and make a view of the old name in the same revision. A column: "
    "op.expand_column_rename, which keeps both equal by a trigger, and op.contract_column_rename in a later "
    "plan",
)
def renamed(facts: Facts) -> Iterator[Hit]:
    """A table or a column that was there before the plan has another name, and nothing stands under the old
    one. Severity: block."""
    for found in _broken(facts, "renamed"):
        yield Hit(
            "block",
            f"{found.text}, and the new application needs the new one.",
            _statement(facts, found),
            found.relation,
            instead=_both_names(facts, found),
        )


def _both_names(facts: Facts, found: Break) -> str | None:
    new = delta_of(facts).renamed(found.name) or ""
    if found.name in facts.start.get("relation", {}):
        return write.table_under_both_names(facts.before, found.name, new)
    return write.renamed(facts.before, found.relation, short(found.name), short(new))


@rule(
    "DM209",
    "what the new application needs goes with what the old one loses",
    hurts="deployed before the application it breaks the old one, deployed after it the new one: there is no "
    "order",
    instead="two plans: first what is new, then the application, then what is gone",
)
def mixed(facts: Facts) -> Iterator[Hit]:
    """One revision both adds what a new application needs and drops what the running one uses. Renames and
    changes of types, values and functions are that by nature, and have their own rules. Severity: review."""
    found = phase(delta_of(facts))
    gone = [each.name for each in breaks_of_old(delta_of(facts)) if each.sure and each.what == "gone"]
    if found.kind == MIXED and found.breaks_new and gone:
        lost = listed(gone[:SHOWN])
        yield Hit("review", f"it takes {lost} and adds something in one. {_sentence(found.split or '')}.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@rule(
    "DM210",
    "a query of the application no longer plans",
    hurts="it fails with these very words from this revision on",
    instead="change the query first and deploy that; or keep what it names until nothing asks for it",
)
def query_broken(facts: Facts) -> Iterator[Hit]:
    """A query of --queries planned before this revision and does not after it. Severity: block."""
    for query, words in facts.broken_queries:
        text = " ".join(query.split())
        yield Hit("block", f"{words}: {text[:300]}{'…' if len(text) > 300 else ''}")
