"""The servers behind the identifiers of RDS: the one that is migrated, and those that were restored.

An identifier keeps its address when another server takes it over by a rename, as on RDS; the data folders
change places behind it.
"""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dbmigrate_local.archive import Archive
from dbmigrate_local.condition import Condition
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.restoring import restored, restored_to


class InstanceUnknown(KeyError):
    """No database of RDS has this identifier here."""


@dataclass(eq=False)
class Instance:
    """A database of RDS; without a server it is only described. `reason` says why it failed."""

    name: str
    condition: Condition
    server: EmbeddedPostgres | None = None
    archive: Archive | None = None
    cluster: Instance | None = None  # whose member it is; then the server is the cluster's
    resource_id: str = ""  # by which IAM knows it; it stays when the name changes
    reason: str = ""
    needs_members: bool = False  # a restored cluster holds data, and nobody serves them yet
    ending: str = field(default="available", repr=False)

    @property
    def has_data(self) -> bool:
        return (self.cluster or self).server is not None

    @property
    def port(self) -> int | None:
        """Where it listens; None while it is made, and for one that is only described."""
        server = (self.cluster or self).server
        there = server is not None and server.running and self.condition.status != "creating"
        return server.port if server is not None and there else None


class InstanceStore:
    """Every database of the local RDS. `main` is the server that the functions work on.

    Of the failures that RDS knows, a test may ask for these:
    refuse_next      the next restore is refused with a code, such as InstanceQuotaExceeded
    next_restore_ends  as `failed`, `incompatible-restore`, or `creating` for ever
    hold, release    a status until further notice: `modifying`, `storage-full`; calls are then refused
    """

    def __init__(self, main: EmbeddedPostgres | None, settles: bool = False) -> None:
        self.main = main
        self.settles = settles
        self._instances: dict[str, Instance] = {}
        self._members: dict[str, Instance] = {}  # of clusters, which may have the same names
        self._places: dict[str, EmbeddedPostgres] = {}
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
            server = None if self._instances else self.main
            instance = self._add(name)
            if server is not None:
                self._places[instance.name] = instance.server = server
                instance.archive = self._archive(server)
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
            if instance.server is not None:
                self._move(instance, instance.server, self._place(name))
            instance.name = name.lower()
            owned[instance.name] = instance

    def delete(self, instance: Instance) -> None:
        """Stop a server and delete its data; the main one's go on, they are not RDS's to delete here."""
        instance.condition.drop()
        with self._one_at_a_time:
            if instance.cluster is None:
                del self._instances[instance.name]
                self._discard(instance)
            else:
                del self._members[instance.name]
                self._leave(instance.cluster)

    def close(self) -> None:
        """Stop and delete what was restored; the main server serves again, if nobody took its name over."""
        for instance in self._instances.values():
            instance.condition.drop()
        with self._one_at_a_time:
            self._give_back()
            for instance in self._instances.values():
                self._discard(instance)
            self._instances = {}
        for place in self._places.values():
            if place is not self.main:
                place.close()
                shutil.rmtree(place.folder, ignore_errors=True)

    # ---- how
    def _add(self, name: str) -> Instance:
        with self._one_at_a_time:
            instance = Instance(name.lower(), Condition(self.settles))
            self._instances[instance.name] = instance
            return instance

    def _begin(self, instance: Instance, work: Callable[[EmbeddedPostgres], None] | None) -> None:
        thread = None
        if work is not None:
            instance.server = self._place(instance.name)
            thread = threading.Thread(
                target=self._restore, args=(instance, work), name=f"restore-{instance.name}"
            )
            thread.start()
        instance.condition.begin("creating", thread, lambda: instance.ending)
        if instance.ending == "creating":
            instance.condition.hold("creating")

    def _restore(self, instance: Instance, work: Callable[[EmbeddedPostgres], None]) -> None:
        assert instance.server is not None
        try:
            work(instance.server)
            instance.archive = self._archive(instance.server)
        except Exception as problem:  # whatever it is, RDS would say no more than `failed`
            instance.reason = str(problem)
            instance.ending = "failed"
        if instance.ending != "available" or instance.needs_members:
            instance.server.stop()

    def _place(self, name: str) -> EmbeddedPostgres:
        """The server object that has an identifier's address, data or none."""
        key = name.lower()
        if key not in self._places:
            assert self.main is not None
            folder = self.main.folder / "instances" / key
            self._places[key] = EmbeddedPostgres(self.main.binaries, folder, self.main.settings)
        return self._places[key]

    def _archive(self, server: EmbeddedPostgres) -> Archive:
        assert self.main is not None
        return Archive(server, self.main.folder / "wal")

    def _move(self, instance: Instance, place: EmbeddedPostgres, target: EmbeddedPostgres) -> None:
        archive = instance.archive
        if archive is not None:
            archive.pause()
        served = place.running
        place.hand_over(target)
        instance.server = target
        if served:
            target.start()
        if archive is not None:
            archive.server = target
        if archive is not None and served:
            # RDS backs up what it has restored at once; a copy that nobody takes over is spared that here.
            archive.follow() if archive.earliest else archive.begin()

    def _discard(self, instance: Instance) -> None:
        server = instance.server
        if instance.archive is not None:
            instance.archive.close()
        if server is not None and server is not self.main:
            server.stop()
            shutil.rmtree(server.data, ignore_errors=True)

    def _leave(self, cluster: Instance) -> None:
        """Nobody serves a cluster's data when its last member is gone; but the main server goes on."""
        if cluster.server is None or cluster.server is self.main:
            return
        cluster.needs_members = all(one.cluster is not cluster for one in self._members.values())
        if cluster.needs_members:
            cluster.server.stop()

    def _give_back(self) -> None:
        """A process that ends between two renames must not leave its owner without a database."""
        main = self.main
        if main is None or (main.data / "PG_VERSION").exists():
            return
        for instance in self._instances.values():
            if instance.server is not None and (instance.server.data / "PG_VERSION").exists():
                self._move(instance, instance.server, main)
                return
