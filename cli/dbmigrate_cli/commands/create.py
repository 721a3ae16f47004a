"""`db-migrate create`: a new revision file."""

from __future__ import annotations

import click

from dbmigrate.domain.errors import BadRequest
from dbmigrate_cli.context import database_of, history_of
from dbmigrate_cli.options import Options
from dbmigrate_cli.revision_file import checked_message, write_revision


@click.command("create")
@click.argument("message", nargs=-1)
@click.option(
    "--autogenerate", is_flag=True, help="Fill it with what the models have and the database has not."
)
@click.pass_obj
def command(options: Options, message: tuple[str, ...], autogenerate: bool) -> None:
    """Write a new revision file; MESSAGE says what it does."""
    text = checked_message(" ".join(message))
    history = history_of(options)
    head = history.head
    if not autogenerate:
        path = write_revision(history, text)
    else:
        database = database_of(options)
        pending = history.pending(database.current())
        if pending:
            raise BadRequest(
                f"Models are compared with a database at the head, {head}; pending are {', '.join(pending)}.",
                f"{options.command} deploy",
            )
        with database.session("db-migrate create") as connection:
            path = write_revision(history, text, connection)
    options.output.result(path=str(path) if path else None)
    if path is None:
        options.output.say("The models and the database are the same: no file was written.")
    else:
        options.output.say(str(path))
        options.output.note("next: write upgrade() and downgrade(), then: db-migrate validate")
