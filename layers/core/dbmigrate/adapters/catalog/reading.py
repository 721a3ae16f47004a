"""Reading a whole catalog, and reading again what a transaction changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from dbmigrate.adapters.catalog import prepared
from dbmigrate.adapters.catalog.objects import FILED_UNDER
from dbmigrate.adapters.catalog.prepared import Found
from dbmigrate.domain.catalog import Catalog

# Rows written to the system catalogs by this transaction (and by earlier ones of the session whose counts
# have not left it yet, which costs a useless look at most), and the relations that it has locked; for an
# index its table, as ALTER INDEX locks the index alone.
MARK = """
SELECT transaction_timestamp()::text,
       (SELECT json_object_agg(c.relname, json_build_array(pg_stat_get_xact_tuples_inserted(c.oid),
                   pg_stat_get_xact_tuples_updated(c.oid), pg_stat_get_xact_tuples_deleted(c.oid)))
          FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
           AND (pg_stat_get_xact_tuples_inserted(c.oid) > 0 OR pg_stat_get_xact_tuples_updated(c.oid) > 0
                OR pg_stat_get_xact_tuples_deleted(c.oid) > 0)),
       (SELECT array_agg(DISTINCT coalesce(i.indrelid, l.relation)::bigint)
          FROM pg_locks l LEFT JOIN pg_index i ON i.indexrelid = l.relation
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
           AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock'))
"""

# What says nothing about an object: statistics, dependencies, and who was granted what by an extension.
SILENT = {"pg_statistic", "pg_statistic_ext_data", "pg_depend", "pg_shdepend", "pg_init_privs", "pg_seclabel"}
# A change of a row elsewhere may rename what any definition mentions.
NEAR = {
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_db_role_setting", "pg_default_acl",
    "pg_description", "pg_event_trigger", "pg_index", "pg_inherits", "pg_partitioned_table", "pg_policy",
    "pg_publication", "pg_publication_namespace", "pg_publication_rel", "pg_rewrite", "pg_sequence",
    "pg_shdescription", "pg_statistic_ext", "pg_subscription", "pg_trigger",
}  # fmt: skip
# Which group of queries goes stale by which system catalogs; what is named nowhere belongs to others.
TYPES = {"pg_enum", "pg_range", "pg_type"}
STALE_BY = {
    "relations": {
        "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_foreign_table", "pg_index",
        "pg_inherits", "pg_partitioned_table", "pg_policy", "pg_rewrite", "pg_sequence", "pg_statistic_ext",
        "pg_trigger",
    },
    "types": {"pg_attribute", "pg_constraint", *TYPES},
    "routines": {
        "pg_aggregate", "pg_am", "pg_amop", "pg_amproc", "pg_cast", "pg_language", "pg_opclass",
        "pg_operator", "pg_opfamily", "pg_proc",
    },
    "ownership": {
        "pg_attribute", "pg_class", "pg_database", "pg_default_acl", "pg_event_trigger", "pg_extension",
        "pg_foreign_data_wrapper", "pg_foreign_server", "pg_language", "pg_namespace", "pg_proc",
        "pg_publication", "pg_type",
    },
    "comments": {
        "pg_constraint", "pg_description", "pg_policy", "pg_rewrite", "pg_shdescription", "pg_statistic_ext",
        "pg_trigger",
    },
}  # fmt: skip
ALSO_OTHERS = {
    "pg_event_trigger", "pg_extension", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_publication",
}  # fmt: skip
# What a new table writes too, though it mostly has the usual owner and no grants.
OF_ANY_TABLE = {"pg_attribute", "pg_class", "pg_type"}
ELSEWHERE = set().union(*STALE_BY.values(), SILENT) - ALSO_OTHERS

Counts = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Mark:
    """How far a transaction had come: rows inserted, updated and deleted in each system catalog, and the
    relations locked."""

    transaction: str
    counts: Counts
    locked: frozenset[int]


class Snapshot(dict[str, dict[str, str]]):
    """A catalog that also knows which relation each object belongs to, and where its transaction stood. Both
    serve ``reread`` in the same session, and are no part of the catalog."""

    def __init__(self, found: Found, mark: Mark) -> None:
        self.found = found
        self.mark = mark
        for query, owners in found.items():
            for named in owners.values():
                self.setdefault(FILED_UNDER.get(query, query), {}).update(named)


def snapshot(connection: Connection) -> Snapshot:
    """The catalog as it is now, read in one statement; a dictionary as dbmigrate.domain.catalog has it.

    The caller's transaction stays open, and its settings stay as they are. The role that is connected needs
    no rights on the objects: the system catalogs are everybody's to read.
    """
    with prepared.session(connection, only=(prepared.EVERYTHING,)):
        return Snapshot(prepared.everything(connection), _mark(connection))


def reread(
    connection: Connection, known: Catalog, oids: Collection[int] = (), ending: bool = False
) -> Snapshot:
    """The catalog after statements of this transaction, read only where they changed it.

    ``known`` is what ``snapshot`` or ``reread`` gave in this transaction, or in this session before it began
    with nothing changed in between; any other catalog is read anew as a whole. After a ROLLBACK TO SAVEPOINT
    give what was known when the savepoint was made. After statements outside of a transaction
    (autocommit_block) call ``snapshot``: their locks and counts are gone.

    ``oids`` are relations to be read in any case. What the transaction has locked to change it, new and
    dropped relations included, is found here. A change of far reach (a rename, a change of a type, a schema,
    a function or an enum) makes everything be read again. With ``ending`` the caller commits or rolls back
    next, and settings are left as they are until then.
    """
    if not isinstance(known, Snapshot):
        return snapshot(connection)
    mark = _mark(connection)
    changed = _since(known.mark, mark)
    if not changed and not oids:
        known.mark = mark
        return known
    with prepared.session(connection, ending):
        found = None if _far(changed) else _read_near(connection, known.found, changed, {*mark.locked, *oids})
        return Snapshot(found or prepared.everything(connection), mark)


def _mark(connection: Connection) -> Mark:
    transaction, counts, locked = connection.exec_driver_sql(MARK).one()
    return Mark(transaction, counts or {}, frozenset(locked or ()))


def _since(then: Mark, now: Mark) -> Counts:
    """Rows written since then; all of the transaction's when that was another transaction."""
    before: Counts = then.counts if then.transaction == now.transaction else {}
    changed = {}
    for name, counts in now.counts.items():
        inserted, updated, deleted = before.get(name, (0, 0, 0))
        more = (counts[0] - inserted, counts[1] - updated, counts[2] - deleted)
        if any(more):
            changed[name] = more
    return changed


def _far(changed: Counts) -> bool:
    """Whether any definition may have changed. Dependencies alone change when an extension takes an object
    in."""
    updated = {name for name, (_, updates, _) in changed.items() if updates}
    return bool(updated - NEAR - SILENT) or bool(changed) and changed.keys() <= SILENT


def _read_near(connection: Connection, known: Found, changed: Counts, touched: set[int]) -> Found | None:
    """What is known with the stale groups read again; None when something was renamed."""
    found = dict(known)
    stale = {group for group, catalogs in STALE_BY.items() if changed.keys() & catalogs}
    if changed.keys() - ELSEWHERE:
        stale.add("others")
    if not changed.keys() & TYPES and not known["composite"] and not known["domain"]:
        stale.discard("types")
    if "ownership" in stale and not _may_be_owned(connection, known, changed):
        stale.discard("ownership")
    if touched and "relations" in stale:
        again = prepared.of_relations(connection, touched)
        if _renamed(known, again):
            return None
        if _columns_changed(known, again):
            # What names a table's columns writes an alias where a new column would be ambiguous.
            stale.add("routines")
            mentions = {oid for kind in ("view", "rule", "policy") for oid in known[kind]} - touched
            again = _joined(again, prepared.of_relations(connection, mentions), mentions)
            touched = touched | mentions
        found = _joined(found, again, touched)
    for group in sorted(stale - {"relations"}):
        found |= prepared.of_group(connection, group)
    return found


def _may_be_owned(connection: Connection, known: Found, changed: Counts) -> bool:
    if changed.keys() & (STALE_BY["ownership"] - OF_ANY_TABLE):
        return True
    if any(known[query] for query in ("owner", "grant", "default privileges")):
        return True
    return prepared.owned(connection)


def _joined(known: Found, again: Found, touched: Collection[int]) -> Found:
    """What is known, with all that belongs to the touched relations as it was read again."""
    joined = dict(known)
    for query, owners in again.items():
        joined[query] = {oid: named for oid, named in known[query].items() if oid not in touched} | owners
    return joined


def _renamed(known: Found, again: Found) -> bool:
    """Whether a relation, a column or an index that other definitions may mention bears another name."""
    return any(
        _names(known, kind, oid) - now.keys() and now.keys() - _names(known, kind, oid)
        for kind in ("relation", "column", "index")
        for oid, now in again[kind].items()
        if oid in known[kind]
    )


def _columns_changed(known: Found, again: Found) -> bool:
    return any(known["column"][oid] != now for oid, now in again["column"].items() if oid in known["column"])


def _names(found: Found, kind: str, oid: int) -> set[str]:
    return {*found[kind].get(oid, ())}
