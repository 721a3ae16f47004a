"""The way in: global options, the commands by name, and the place where errors become exit codes.

Exit codes: 0 done or nothing to do; 1 failed, the database is unchanged or was rolled back; 2 usage or
configuration; 3 refused by validation, policy or a person; 4 a person must act, the next command is printed.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.policy import ENVIRONMENTS
from dbmigrate_cli.failures import INTERRUPTED, report_bug, report_error, report_usage
from dbmigrate_cli.options import Options
from dbmigrate_cli.report_formats import FORMATS

COMMANDS = {
    "status": "Where the database stands, and what is pending.",
    "create": "Write a new revision file.",
    "validate": "Rehearse the revisions on a scratch PostgreSQL and show what they do.",
    "deploy": "Apply what is pending, as the environment's policy wants it.",
    "check": "Look for drift, invalid indexes and edited revisions.",
    "rollback": "Undo revisions, or a whole run.",
    "drill": "Prove that a backup can be restored, and rehearse what is pending on it.",
    "recover": "Take the whole database back to a moment or a snapshot.",
    "reset": "Empty the development database and apply the history anew.",
    "sizes": "Print how large the live tables are, for validate --stats.",
    "runs": "List the runs and how they ended.",
    "stop": "End a run at once, and say what state the database is in.",
    "pause": "Let a run rest between two batches or steps.",
    "resume": "Let a paused run go on.",
}


class Commands(click.Group):
    """Imports a command's module only when it is called: `--help` and usage errors wait for no library."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"dbmigrate_cli.commands.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def take_early(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Errors in later options already speak this format."""
    ctx.ensure_object(Options).format = value
    return value


def take_version(ctx: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"db-migrate {version('db-migrate')}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done or nothing to do; 1 failed, database unchanged or rolled back; 2 usage or "
    "configuration; 3 refused; 4 a person must act (the next command is printed).",
)
@click.option(
    "--environment",
    type=click.Choice(ENVIRONMENTS),
    envvar="DB_MIGRATE_ENVIRONMENT",
    default="development",
    show_default=True,
    help="Whose policy and database. [DB_MIGRATE_ENVIRONMENT]",
)
@click.option(
    "--migrations",
    type=click.Path(path_type=Path),
    envvar="DB_MIGRATE_MIGRATIONS",
    default="migrations",
    show_default=True,
    metavar="DIR",
    help="Alembic script location: env.py and versions/. [DB_MIGRATE_MIGRATIONS]",
)
@click.option(
    "--database",
    envvar=["DB_MIGRATE_DATABASE", "DATABASE_URL"],
    metavar="URL",
    help="postgresql://user:password@host:5432/name. Without it, development uses a PostgreSQL of its own in "
    ".dbmigrate/, staging and production their stack. [DB_MIGRATE_DATABASE, DATABASE_URL]",
)
@click.option(
    "--format",
    type=click.Choice(["text", "json", *FORMATS]),
    envvar="DB_MIGRATE_FORMAT",
    default="text",
    show_default=True,
    is_eager=True,
    callback=take_early,
    help="markdown and sarif are reports of validate. [DB_MIGRATE_FORMAT]",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=take_version)
@click.pass_context
def cli(
    ctx: click.Context, environment: str, migrations: Path, database: str | None, format: str, debug: bool
) -> None:
    """Change a PostgreSQL schema safely: validated, backed up, approved, applied, verified."""
    if format in FORMATS and ctx.invoked_subcommand != "validate":
        raise click.UsageError(f"--format {format} is a report of validate; others have text and json.")
    options: Options = ctx.obj
    options.environment = environment
    options.migrations = migrations
    options.url = database
    options.debug = debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its documented exit code."""
    # Imports make hundreds of thousands of objects that stay: looking through them for
    # garbage every 700 objects took a tenth of a deploy.
    gc.set_threshold(100_000)
    options = Options()
    signal.signal(signal.SIGTERM, _interrupt)  # a cancelled CI job still stops its server and closes its run
    # Known before parsing, so that a failure of the parsing itself can be looked into.
    options.debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    code = _run(options, arguments)
    options.output.finish()
    _flush()
    gc.freeze()  # nor does the end look through them: that took as long
    sys.exit(code)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run(options: Options, arguments: Sequence[str] | None) -> int:
    try:
        answer: Any = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="db-migrate",
            obj=options,
            standalone_mode=False,
        )
        return answer if isinstance(answer, int) else 0
    except DbMigrateError as error:
        return report_error(error, options)
    except click.Abort:
        return _interrupted(options)
    except click.ClickException as error:
        return report_usage(error, options)
    except KeyboardInterrupt:
        return _interrupted(options)
    except BrokenPipeError:
        return 0
    except Exception as error:
        return report_bug(error, options)


def _interrupted(options: Options) -> int:
    options.output.complain("Interrupted.")
    return INTERRUPTED


def _flush() -> None:
    """What a closed pipe no longer takes is nobody's loss, and no reason for a traceback at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
