"""Writes a new revision file through Alembic, in the project's own form."""

from __future__ import annotations

import argparse
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from alembic import command as alembic
from alembic.config import Config

from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import Misconfigured

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONGEST = 200
AUTOGENERATE = (
    "env.py",
    "it must use config.attributes['connection'] and name target_metadata: migrations/env.py",
)
TEMPLATE = ("script.py.mako", "mend the template, then: db-migrate create NAME")
LONGEST_SLUG = 60


def checked_message(text: str) -> str:
    """The message, fit to stand in a docstring. Raises click.BadParameter."""
    text = text.strip()
    wrong = _why_not(text)
    if wrong:
        raise click.BadParameter(
            f'{wrong} For example: db-migrate create "add user preferences"', param_hint="MESSAGE"
        )
    return text


def _why_not(text: str) -> str:
    if not text:
        return "say what the revision does."
    if len(text) > LONGEST:
        return f"{len(text)} characters are too many for a name; {LONGEST} are the most."
    if not text.isprintable() or "\\" in text or '"""' in text or text.endswith('"') or "${" in text:
        return "line breaks, backslashes, ${ and quotation marks at the end cannot stand in its first line."
    return "" if slug(text) else "the file's name needs at least one letter a-z or digit."


def slug(text: str) -> str:
    """The file name's part: what a bundle can hold, whatever alphabet the message uses."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = "_".join(re.findall(r"[a-z0-9]+", plain.lower()))
    return (
        words
        if len(words) <= LONGEST_SLUG
        else words[:LONGEST_SLUG].rpartition("_")[0] or words[:LONGEST_SLUG]
    )


def next_id(history: History) -> str | None:
    """The number after the highest, where the history counts (0001, 0002, ...); None where it does not."""
    widths = {len(revision) for revision in history.order if revision.isascii() and revision.isdigit()}
    counts = all(revision.isascii() and revision.isdigit() for revision in history.order)
    if not history.order or not counts or len(widths) != 1:
        return None
    return str(max(int(revision) for revision in history.order) + 1).zfill(widths.pop())


def write_revision(history: History, message: str, connection: Connection | None = None) -> Path | None:
    """Write the file and return its path. With a connection the project's env.py compares its models with
    that database; no difference, no file (None).

    Raises Misconfigured when script.py.mako is missing or makes no Python, or when env.py fails.
    """
    template = history.folder / "script.py.mako"
    if not template.is_file():
        raise Misconfigured(
            f"{template} is missing; new revisions are made from it.", "alembic init makes one"
        )
    config = _config(history, slug(message))
    config.attributes["connection"] = connection
    made = _generate(config, history, message, connection is not None)
    if made is None:
        return None
    path = Path(made.path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _generate(config: Config, history: History, message: str, compare: bool) -> Any:
    # "head", not the id: Alembic then refuses by itself should another file have come meanwhile.
    arguments: dict[str, Any] = {"rev_id": next_id(history), "autogenerate": compare, "head": "head"}
    arguments["version_path"] = str(_place(history))
    if compare:
        arguments["process_revision_directives"] = _nothing_for_nothing
    before = _sources(history)
    try:
        made = alembic.revision(config, message, **arguments)
    except OSError as error:
        raise Misconfigured(
            f"The file cannot be written: {error.strerror or error} ({error.filename}).",
            "make versions/ writable, or copy the folder: db-migrate --migrations DIR create NAME",
        ) from error
    except Exception as error:
        for path in _sources(history) - before:  # Alembic leaves even what it could not load
            path.unlink()
        culprit, hint = AUTOGENERATE if compare else TEMPLATE
        raise Misconfigured(f"{culprit} failed: {type(error).__name__}: {error}", hint) from error
    return None if isinstance(made, list) else made


def _place(history: History) -> Path:
    """Beside the file that the new one follows; Alembic does not choose among several folders."""
    return history.paths[history.head].parent if history.order else history.locations.folders[0]


def _sources(history: History) -> set[Path]:
    return {path for place in (history.folder, *history.locations.folders) for path in place.rglob("*.py")}


def _nothing_for_nothing(context: Any, revision: Any, directives: list[Any]) -> None:
    if directives and directives[0].upgrade_ops.is_empty():
        directives.clear()


def _config(history: History, name: str) -> Config:
    """The project's alembic.ini, in the folder or above it, with our script location, folders and names."""
    places = (history.folder / "alembic.ini", history.folder.parent / "alembic.ini")
    ini = next((place for place in places if place.is_file()), None)
    config = Config(ini, cmd_opts=argparse.Namespace(quiet=True))
    config.set_main_option("script_location", str(history.folder).replace("%", "%%"))
    folders = "\n".join(map(str, history.locations.folders))
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("recursive_version_locations", str(history.locations.recursive).lower())
    form = config.get_main_option("file_template") or "%(rev)s_%(slug)s"
    config.set_main_option("file_template", form.replace("%(slug)s", name).replace("%", "%%"))
    return config
