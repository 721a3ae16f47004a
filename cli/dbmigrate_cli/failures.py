"""Errors as people and programs read them: where and why, what to type next, the exit code."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import click

from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.words import in_environment

if TYPE_CHECKING:
    from dbmigrate_cli.options import Options

USAGE = 2
FAILED = 1
INTERRUPTED = 130


class RunEnded(DbMigrateError):
    """An execution, or a function, ended with an error; ``name`` is its name there."""

    def __init__(self, name: str, message: str, hint: str, exit_code: int) -> None:
        super().__init__(message, hint)
        self.name = name
        self.exit_code = exit_code


def report_error(error: DbMigrateError, options: Options) -> int:
    """Say one of our own errors; returns its exit code."""
    name = error.name if isinstance(error, RunEnded) else type(error).__name__
    _trace(error, options)
    hint = in_environment(error.hint, options.environment)
    return _say(name, error.message, hint, error.exit_code, options)


def report_usage(error: click.ClickException, options: Options) -> int:
    """Say a wrong option or argument."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        options.output.complain(error.format_message())
        return USAGE
    hint = f"{context.command_path} --help" if context else "db-migrate --help"
    if context and context.parent and isinstance(error, click.NoSuchOption):
        everywhere = [name for option in context.parent.command.params for name in option.opts]
        if error.option_name in everywhere:
            hint = f"it stands before the command: db-migrate {error.option_name} … {context.info_name}"
    return _say("Usage", error.format_message(), hint, USAGE, options)


def report_bug(error: Exception, options: Options) -> int:
    """Say what nobody expected, without a traceback unless asked."""
    _trace(error, options)
    where = "" if options.debug else "run again with --debug: db-migrate --debug …"
    text = " ".join(str(error).split())[:500]
    return _say(type(error).__name__, f"{type(error).__name__}: {text}", where, FAILED, options)


def _trace(error: Exception, options: Options) -> None:
    """The frames without the values in them: a password may be among the values."""
    if options.debug:
        options.output.complain(options.masked("".join(traceback.format_exception(error)).rstrip()))


def _say(name: str, message: str, hint: str, code: int, options: Options) -> int:
    message, hint = options.masked(message), options.masked(hint)
    options.output.error(message, hint)
    options.output.result(error={"name": name, "message": message, "next": hint, "exit_code": code})
    return code
