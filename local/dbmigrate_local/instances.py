"""The databases of the local RDS: the one that is migrated, and those that were restored."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path

from dbmigrate_local.condition import Condition
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instance import Instance
from dbmigrate_local.places import Places
from dbmigrate_local.restoring import restored, restored_to


class InstanceUnknown(KeyError):
    """No database of RDS has this identifier here."""


class InstanceStore:
    """Every database of the local RDS. `main` is the server that the functions work on.

    Of the failures that RDS knows, a test may ask for these:
    refuse_next        the next restore is refused with a code, such as InstanceQuotaExceeded
    next_restore_ends  as `failed`, `incompatible-restore`, or `creating` for ever
    hold, release      a status until further notice: `modifying`, `storage-full`; calls are then refused
    get(name).lag      the newest restorable moment is so many seconds behind
    """

    def __init__(self, main: EmbeddedPostgres | None, settles: bool = False) -> None:
        self.main = main
        self.settles = settles
        self._instances: dict[str, Instance] = {}
        self._members: dict[str, Instance] = {}  # of clusters, which may have the same names
        self._places = Places(main) if main is not None else None
        self._refusal: str | None = None
        self._ending: str | None = None
        self._one_at_a_time = threading.RLock()

    def get(self, name: str) -> Instance:
        """Raises InstanceUnknown."""
        found = self._instances.get(name.lower()) or self._members.get(name.lower())
        if found is None:
            raise InstanceUnknown(name)
        return found

    def has(self, name: str) -> bool:
        return name.lower() in self._instances

    def server(self, name: str) -> EmbeddedPostgres:
        """The running server behind an identifier. Raises InstanceUnknown."""
        instance = self.get(name)
        instance.condition.settle()
        server = (instance.cluster or instance).server
        if server is None:
            raise InstanceUnknown(name)
        return server

    def url(self, name: str, database: str = "postgres") -> str:
        """The address of a database behind an identifier. Raises InstanceUnknown."""
        return self.server(name).url_for(database)

    def settle(self, name: str) -> None:
        """Wait for what goes on behind an identifier, its first backup included. Raises InstanceUnknown."""
        instance = self.get(name)
        instance.condition.settle()
        if instance.archive is not None:
            instance.archive.settle()

    def resource_at(self, port: int) -> str:
        """The resource id of the instance or cluster that listens there; empty when none does."""
        found = (one for one in self._instances.values() if one.port == port)
        return next((one.resource_id for one in found), "")

    # ---- what a test asks for
    def refuse_next(self, code: str) -> None:
        self._refusal = code

    def next_restore_ends(self, status: str) -> None:
        self._ending = status

    def hold(self, name: str, status: str) -> None:
        self.get(name).condition.hold(status)

    def release(self, name: str) -> None:
        self.get(name).condition.release()

    def taken_refusal(self) -> str | None:
        """The code with which this restore is refused; once."""
        code, self._refusal = self._refusal, None
        return code

    # ---- what RDS does
    def adopt(self, name: str) -> Instance:
        """A database was created: the first is the one that the functions work on, others hold no data."""
        with self._one_at_a_time:
            first = not self._instances
            instance = self._add(name)
            if first and self._places is not None:
                self._places.settle_in(instance)
            return instance

    def add_member(self, name: str, cluster: Instance) -> Instance:
        """An instance was created in a cluster, which it serves from now on."""
        instance = Instance(name.lower(), Condition(self.settles), cluster=cluster)
        self._members[instance.name] = instance
        if cluster.needs_members and cluster.server is not None:
            cluster.needs_members = False
            cluster.server.start()
        instance.condition.begin("creating")
        return instance

    def prepare(self, name: str, needs_members: bool = False) -> Instance:
        """What is going to be restored under a name; `creating` until then and for as long as it takes."""
        instance = self._add(name)
        instance.needs_members = needs_members
        instance.ending, self._ending = self._ending or "available", None
        instance.condition.status = "creating"
        return instance

    def restore(self, instance: Instance, base: Path | None) -> None:
        """Begin to restore a base backup; None holds no data."""
        self._begin(instance, (lambda server: restored(server, base)) if base else None)

    def restore_to(self, instance: Instance, source: Instance, moment: dt.datetime) -> None:
        """Begin to restore a moment, which the caller has found in the source's window."""
        archive = source.archive
        if archive is None:
            self._begin(instance, None)
            return
        base = archive.base_before(moment)
        assert base is not None, "the window was asked before"
        archive.catch_up()
        self._begin(instance, lambda server: restored_to(server, base.folder, archive.folder, moment))

    def rename(self, instance: Instance, name: str) -> None:
        """Let the server behind an identifier take another one, which nobody has."""
        with self._one_at_a_time:
            owned = self._members if instance.cluster else self._instances
            del owned[instance.name]
            if instance.server is not None and self._places is not None:
                self._places.move(instance, self._places.of(name.lower()))
            instance.name = name.lower()
            owned[instance.name] = instance

    def delete(self, instance: Instance) -> None:
        """Stop a server and delete its data; the main one's go on, they are not RDS's to delete here."""
        instance.condition.drop()
        with self._one_at_a_time:
            if instance.cluster is None:
                del self._instances[instance.name]
                if self._places is not None:
                    self._places.discard(instance)
            else:
                del self._members[instance.name]
                self._leave(instance.cluster)

    def close(self) -> None:
        """Stop and delete what was restored; the main server serves on, whatever bears its name now."""
        for instance in self._instances.values():
            instance.condition.drop()
        with self._one_at_a_time:
            if self._places is not None:
                self._places.close(self._instances.values())
            self._instances, self._members = {}, {}

    # ---- how
    def _add(self, name: str) -> Instance:
        with self._one_at_a_time:
            instance = Instance(name.lower(), Condition(self.settles))
            self._instances[instance.name] = instance
            return instance

    def _begin(self, instance: Instance, work: Callable[[EmbeddedPostgres], None] | None) -> None:
        thread = None
        if work is not None and self._places is not None:
            instance.server = self._places.of(instance.name)
            thread = threading.Thread(
                target=self._restore, args=(instance, work), name=f"restore-{instance.name}"
            )
            thread.start()
        instance.condition.begin("creating", thread, lambda: instance.ending)
        if instance.ending == "creating":
            instance.condition.hold("creating")

    def _restore(self, instance: Instance, work: Callable[[EmbeddedPostgres], None]) -> None:
        assert instance.server is not None and self._places is not None
        try:
            work(instance.server)
            instance.archive = self._places.archive(instance.server)
        except Exception as problem:  # whatever it is, RDS would say no more than `failed`
            instance.reason = str(problem)
            instance.ending = "failed"
        if instance.ending != "available" or instance.needs_members:
            instance.server.stop()

    def _leave(self, cluster: Instance) -> None:
        """Nobody serves a cluster's data when its last member is gone; but the main server goes on."""
        if cluster.server is None or cluster.server is self.main:
            return
        cluster.needs_members = all(one.cluster is not cluster for one in self._members.values())
        if cluster.needs_members:
            cluster.server.stop()
