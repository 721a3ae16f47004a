"""Rules about the values of enums. A value that is used in its own transaction fails in the rehearsal
itself."""

from __future__ import annotations

from collections.abc import Iterator

from dbmigrate.domain.delta import labels
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import numbered
from dbmigrate.domain.rules.register import rule


@rule(
    "DM176",
    "an enum sorts otherwise",
    hurts="<, >, ORDER BY, min() and max() go by the order of an enum's values: queries answer differently, "
    "and a CHECK or "
    "an index with such a condition was built by the old order",
    instead="ALTER TYPE … ADD VALUE … BEFORE or AFTER, which leaves the others where they are",
)
def enum_order(facts: Facts) -> Iterator[Hit]:
    """A type of the same name has the values that were there before the plan in another order: it was made
    again. Severity: review."""
    for kind, name, now in facts.evidence.changes:
        was = facts.before.get("enum", {}).get(name)
        if kind != "enum" or was is None or now is None or name not in facts.start.get("enum", {}):
            continue
        common = [value for value in labels(was) if value in labels(now)]
        if common != [value for value in labels(now) if value in common]:
            text = (
                f"{name} was {', '.join(labels(was))} and is {', '.join(labels(now))}: what is compared "
                "by it changes."
            )
            yield Hit("review", text, _statement(facts, name))


def _statement(facts: Facts, name: str) -> int | None:
    bare = name.rpartition(".")[2].lower()
    for number, effects in numbered(facts):
        if "CREATE TYPE" in " ".join(effects.sql.upper().split()) and bare in effects.sql.lower():
            return number
    return None
