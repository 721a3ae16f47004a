"""The addresses behind the names of RDS: who bears a name now is served where the name always was.

A rename moves the data folder from one place to another. The main place is the server that the caller opened,
and its object serves whatever bears its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from dbmigrate_local.archive import Archive
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instance import Instance
from dbmigrate_local.processes import end_orphan


def trim_places(main: EmbeddedPostgres) -> None:
    """Delete the copies that a killed process left; what is older than the main data is no copy of them."""
    for folder in (main.folder / "instances").glob("*"):
        end_orphan(folder / "data")
        version, ours = folder / "data" / "PG_VERSION", main.data / "PG_VERSION"
        if not version.exists() or version.stat().st_mtime > ours.stat().st_mtime:
            shutil.rmtree(folder, ignore_errors=True)


class Places:
    """One server object a name, in `main.folder/instances`; the data are whose bears the name."""

    def __init__(self, main: EmbeddedPostgres) -> None:
        self.main = main
        self._places: dict[str, EmbeddedPostgres] = {}

    def settle_in(self, instance: Instance) -> None:
        """The main server becomes that of an instance."""
        self._places[instance.name] = instance.server = self.main
        instance.archive = self.archive(self.main)

    def of(self, name: str) -> EmbeddedPostgres:
        """The server object at a name's address, with data or without."""
        if name not in self._places:
            folder = self.main.folder / "instances" / name
            self._places[name] = EmbeddedPostgres(self.main.binaries, folder, self.main.settings)
        return self._places[name]

    def archive(self, server: EmbeddedPostgres) -> Archive:
        return Archive(server, self.main.folder / "wal")

    def move(self, instance: Instance, target: EmbeddedPostgres) -> None:
        """Let an instance's data be served at another place."""
        place, archive = instance.server, instance.archive
        assert place is not None
        if archive is not None:
            archive.pause()
        served = place.running
        place.hand_over(target)
        instance.server = target
        if archive is not None:
            archive.server = target
        if not served:
            return
        target.start()
        if archive is not None:
            # RDS backs up what it has restored at once; a copy that nobody takes over is spared that here.
            archive.follow() if archive.earliest else archive.begin()

    def discard(self, instance: Instance) -> None:
        """Delete an instance's data; the main server's go on, they are not RDS's to delete here."""
        if instance.archive is not None:
            instance.archive.close()
        if instance.server is not None and instance.server is not self.main:
            instance.server.destroy()

    def close(self, instances: Iterable[Instance]) -> None:
        """Discard every instance but the one at the main place, or one that comes back to it.

        A process that ends between two renames must not leave its owner without a database.
        """
        known = [instance for instance in instances if instance.server is not None]
        if not (self.main.data / "PG_VERSION").exists():
            kept = [one for one in known if one.server and (one.server.data / "PG_VERSION").exists()]
            if kept:
                self.move(kept[0], self.main)
        for instance in known:
            self.discard(instance)
        for place in self._places.values():
            if place is not self.main:
                place.close()
                shutil.rmtree(place.folder, ignore_errors=True)
