"""The folders that a project's own settings name as version_locations, and how they travel in a bundle."""

from __future__ import annotations

import configparser
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.util import CommandError

from dbmigrate.domain.bundle import PACKED_SUFFIXES
from dbmigrate.domain.errors import Misconfigured

INI, TOML = "alembic.ini", "pyproject.toml"
PACKED = "version_locations"


@dataclass(frozen=True)
class Locations:
    """Where revision files lie: ``folders`` in their order, and whether in the folders below them.
    ``declared`` when alembic.ini or pyproject.toml says so, and not the layout that Alembic assumes."""

    folders: tuple[Path, ...]
    recursive: bool = False
    declared: bool = False

    def packed(self, folder: Path) -> dict[str, bytes]:
        """What a bundle needs beside the files below ``folder``: the files of the other folders, and an
        alembic.ini that names them all where the bundle is unpacked."""
        if not self.declared:
            return {}
        names = {
            place: place.relative_to(folder).as_posix()
            if place.is_relative_to(folder)
            else f"{PACKED}/{number}"
            for number, place in enumerate(self.folders)
        }
        files = {
            f"{name}/{path.relative_to(place).as_posix()}": path.read_bytes()
            for place, name in names.items()
            if not place.is_relative_to(folder)
            for path in packable(place)
        }
        return {**files, INI: _settings_text(list(names.values()), self.recursive)}


def _settings_text(names: list[str], recursive: bool) -> bytes:
    lines = ["[alembic]", "script_location = %(here)s", "path_separator = newline"]
    lines += [f"recursive_version_locations = {str(recursive).lower()}", "version_locations ="]
    lines += [f"    %(here)s/{name.replace('%', '%%')}" for name in names]
    return ("\n".join(lines) + "\n").encode()


def packable(folder: Path) -> Iterator[Path]:
    """The source files below a folder, in a fixed order; nothing of hidden folders and caches."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parent.parts
        private = any(name == "__pycache__" or name.startswith(".") for name in inside)
        if path.suffix in PACKED_SUFFIXES and path.is_file() and not private:
            yield path


def declared_locations(folder: Path) -> Locations | None:
    """What the nearest alembic.ini or pyproject.toml says that is about this script location, beside it or
    above; None where it says nothing. Relative names count from that file.

    Raises Misconfigured for a place outside of the project, or when none of the places is there.
    """
    for place in (folder, *folder.parents):
        for config in _settings(place):
            said = _option(config, "script_location")
            if said is not None and _at(place, said) == folder:
                return _locations(config, place, folder)
    return None


def _settings(place: Path) -> Iterator[Config]:
    """One for each section that may be about a script location. A file that Alembic cannot read is not
    Alembic's."""
    ini, toml = place / INI, place / TOML
    with suppress(configparser.Error, OSError, ValueError):
        if ini.is_file():
            parsed = configparser.ConfigParser(interpolation=None)
            parsed.read_string(ini.read_text(encoding="utf-8"))
            for section in parsed.sections():
                if parsed.has_option(section, "script_location"):
                    yield Config(ini, toml_file=toml, ini_section=section)
        if toml.is_file():
            yield Config(toml_file=toml)


def _option(config: Config, name: str) -> str | None:
    with suppress(configparser.Error, CommandError, OSError, ValueError, KeyError):
        said = config.get_alembic_option(name)
        return said if isinstance(said, str) else None
    return None


def _locations(config: Config, place: Path, folder: Path) -> Locations | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Alembic's about separators that it will drop one day
            named = config.get_version_locations_list() or []
        recursive = config.get_alembic_boolean_option("recursive_version_locations")
    except (configparser.Error, CommandError, ValueError, KeyError) as error:
        raise Misconfigured(
            f"version_locations of {place.name}/{INI} cannot be read: {error}.",
            "mend it: version_locations = %(here)s/one:%(here)s/two, with path_separator = os",
        ) from error
    places = tuple(dict.fromkeys(_at(place, name.strip()) for name in named if name.strip()))
    if not places or (places == (folder / "versions",) and not recursive):
        return None
    return Locations(_there(places, place, folder), recursive, declared=True)


def _there(places: tuple[Path, ...], place: Path, folder: Path) -> tuple[Path, ...]:
    for found in places:
        if not (found.is_relative_to(place) or found.is_relative_to(folder.parent)):
            raise Misconfigured(
                f"version_locations names {found}, which is outside of {place}: no bundle can hold it.",
                f"keep the revisions below {place}",
            )
    there = tuple(found for found in places if found.is_dir())
    if not there:
        raise Misconfigured(
            f"version_locations of {place / INI} names {', '.join(map(str, places))}; none is there.",
            "mend version_locations, or make the folder; relative names count from that file",
        )
    return there


def _at(place: Path, text: str) -> Path:
    """A folder as Alembic's settings name it: a path, or package:path."""
    package, colon, inside = text.partition(":")
    if colon and not Path(text).is_absolute():
        text = f"{package.replace('.', '/')}/{inside}"
        place = place / "src" if (place / "src" / text).is_dir() else place
    return (place / text).resolve()
