"""Whose table sizes make a finding severe: a file's, those of the environment's stack, or the database's; and
how fast their server is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dbmigrate.domain.costs import Model
from dbmigrate.domain.errors import BadRequest, DbMigrateError, Misconfigured
from dbmigrate.domain.standing import Standing
from dbmigrate.domain.stats import Stats
from dbmigrate_cli.options import Options

UNSIZED = "unknown, so every table counts as large; tell them by --stats FILE"


def with_sizes(
    options: Options, standing: Standing, file: Path | None, stack: str | None
) -> tuple[Standing, str]:
    """The standing with the sizes that count, and in words whose they are. Raises Misconfigured for a file
    that is no stats file."""
    if file is not None:
        return _read(file).in_place_of(standing), f"those of {file.name}"
    if not options.direct:
        found = _of_stack(options, stack)
        if found is not None:
            return found.in_place_of(standing), f"those of {options.environment}"
    return standing, "those of the database" if standing.sizes else UNSIZED


def with_speed(options: Options, standing: Standing, calibrate: bool, scratch: str | None) -> Standing:
    """The standing with the speed that a trial found, now or before, unless the file of its sizes brings its
    own server's; how much memory there is, the database itself knows best."""
    from dbmigrate_cli.stats import calibrate_scratch, known_model

    tried = calibrate_scratch(options, scratch) if calibrate else known_model()
    given = standing.model
    if tried is None or replace(given, memory_bytes=Model.memory_bytes) != Model():
        return standing
    return replace(standing, model=replace(tried, memory_bytes=given.memory_bytes))


def _read(file: Path) -> Stats:
    from dbmigrate_cli.stats import read_stats

    try:
        return read_stats(file)
    except BadRequest as error:
        raise Misconfigured(error.message, error.hint) from error


def _of_stack(options: Options, stack: str | None) -> Stats | None:
    from dbmigrate_cli.stats import stats_of_stack

    try:
        return stats_of_stack(options, stack)
    except DbMigrateError as error:
        options.output.note(f"{error.message} Going on without the sizes of {options.environment}.")
        return None
