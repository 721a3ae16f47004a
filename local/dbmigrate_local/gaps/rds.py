"""Gap: moto's databases are words. Here they are servers, their snapshots base backups, a restore a server.

The parts: rds_instances (what is created and seen), rds_changes, rds_restores, rds_snapshots, rds_answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dbmigrate_local.gaps.rds_answers import pages, windows
from dbmigrate_local.gaps.rds_changes import changes
from dbmigrate_local.gaps.rds_instances import instances
from dbmigrate_local.gaps.rds_restores import restores
from dbmigrate_local.gaps.rds_snapshots import snapshots
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.snapshots import SnapshotStore


@contextlib.contextmanager
def rds(store: InstanceStore, backups: SnapshotStore) -> Iterator[None]:
    """Back instances, clusters and their snapshots by the stores.

    What takes its time is seen under way when it is first asked for. When the store `settles`, the second
    question waits for the real end: waits take no time then, and a poll would ask thousands of times.
    """
    with (
        snapshots(backups, store.settles),
        instances(store),
        changes(store, backups),
        restores(store, backups),
        windows(),
        pages(),
    ):
        yield
