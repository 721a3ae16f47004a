"""Drift: what in a live database its revisions do not explain, and what is the administrator's affair."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from dbmigrate.domain.catalog import Change, changes_between
from dbmigrate.domain.changelog import ObjectChange, changelog

ADMINISTRATION = frozenset({
    "default privileges", "event trigger", "extension", "foreign data wrapper", "foreign server", "grant",
    "language", "owner", "publication", "setting", "subscription", "user mapping",
})  # fmt: skip
"""Kinds that administrators, and managed services by themselves, also make outside of revisions."""

NOT_POPULATED = "|not populated"
# What pg_user_mappings shows of another role's mapping to whoever is no superuser.
HIDDEN_OPTIONS = "OPTIONS ()"


@dataclass(frozen=True)
class Drift:
    """``changes`` lead from what the revisions make to what the database is, and refuse a deploy. ``notes``
    are what is there besides: nobody's drift, because no revision ever speaks of it."""

    changes: tuple[ObjectChange, ...] = ()
    notes: tuple[ObjectChange, ...] = ()


def drift_between(
    expected: Mapping[str, Mapping[str, str]],
    found: Mapping[str, Mapping[str, str]],
    own_roles: Collection[str] = (),
) -> Drift:
    """How a database differs from what its revisions make on a scratch server.

    An object of administration that no revision speaks of is no drift; one that a revision made, and that is
    missing or different, is. A role that has the rights which a revision granted may have more: default
    privileges of the live database add some. An extension's version is its server's. A view that was filled
    since is no drift, one that was emptied is. ``own_roles`` are the roles that need no owner line and no
    grant in the live catalog: the database's owner and the one that is connected.
    """
    drift: list[Change] = []
    notes: list[Change] = []
    for kind, name, actual in changes_between(expected, found):
        planned = expected.get(kind, {}).get(name)
        unspoken = kind in ADMINISTRATION and planned is None or (kind, name) == ("comment", "database")
        if unspoken or kind in ("grant", "default privileges") and _has_more(planned, actual):
            notes.append((kind, name, actual))
        elif not _is_same(kind, name, planned, actual, own_roles):
            drift.append((kind, name, actual))
    return Drift(tuple(changelog(expected, drift)), tuple(changelog(expected, notes)))


def _is_same(
    kind: str, name: str, planned: str | None, actual: str | None, own_roles: Collection[str]
) -> bool:
    if kind == "extension" or kind == "user mapping" and actual == HIDDEN_OPTIONS:
        return actual is not None
    if kind == "relation":
        return planned is not None and planned.replace(NOT_POPULATED, "") == actual
    role = {"owner": planned, "grant": name.rpartition(" to ")[2]}.get(kind)
    return actual is None and role in own_roles


def _has_more(planned: str | None, actual: str | None) -> bool:
    """Whether a role has every right that it was granted; one that was taken is no right."""
    if not planned or not actual or "nothing" in (planned, actual):
        return False
    wanted, had = planned.split(", "), actual.split(", ")
    return all(right in had or f"{right} WITH GRANT OPTION" in had for right in wanted)


def describe_drift(
    expected: Mapping[str, Mapping[str, str]],
    found: Mapping[str, Mapping[str, str]],
    own_roles: Collection[str] = (),
) -> list[str]:
    """The drift as a person on call reads it: what the revisions say against what the database has."""
    return told(drift_between(expected, found, own_roles).changes)


def told(changes: Collection[ObjectChange]) -> list[str]:
    """Each difference as a sentence: ``table public.a: column n is bigint, the revisions say integer``."""
    return [line for change in changes for line in _sentences(change)]


def _sentences(change: ObjectChange) -> Iterator[str]:
    subject = f"{change.kind} {change.name}"
    if change.mark == "-":
        yield f"{subject} is missing"
    elif change.mark == "+":
        yield f"{subject} is in no revision" + (f": {change.now}" if change.now else "")
    elif change.was or change.now:
        yield f"{subject} is {change.now}, the revisions say {change.was}"
    for detail in change.details if change.mark == "~" else ():
        part = f"{subject}: {detail.kind} {detail.name}".strip()
        if detail.mark == "-":
            yield f"{part} is missing"
        elif detail.mark == "+":
            yield f"{part} is in no revision" + (f": {detail.now}" if detail.now else "")
        else:
            yield f"{part} is {detail.now}, the revisions say {detail.was}"
