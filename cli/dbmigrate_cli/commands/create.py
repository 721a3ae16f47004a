"""`db-migrate create`: a new revision file."""

from __future__ import annotations

import click

from dbmigrate.domain.errors import BadRequest
from dbmigrate_cli.context import database_of, history_of
from dbmigrate_cli.options import Options
from dbmigrate_cli.revision_file import checked_message, write_revision

SAFE = {
    "create-index": "posts author_id [--unique] [--where SQL] [--using METHOD] [--include A,B]",
    "drop-index": "posts ix_posts_author_id author_id",
    "add-foreign-key": "posts author_id users id [--on-delete ACTION] [--on-update ACTION]",
    "add-check": "orders 'amount > 0' --name amount_positive",
    "add-unique": "users email",
    "set-not-null": "users email",
    "add-column": "users token uuid --default 'gen_random_uuid()' --not-null",
    "backfill": "users \"name = full_name\" --where 'name IS NULL' [--key A,B]",
    "change-type": "orders id bigint --from integer [--using SQL] [--reverse-using SQL]   (three revisions)",
    "rename-column": "users full_name name   (two revisions)",
}


@click.command(
    "create",
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nOperations of --safe, each with an example; all take --schema:\n"
    + "\n".join(f"  {name.ljust(15)}  {example}" for name, example in SAFE.items()),
)
@click.argument("message", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--safe",
    type=click.Choice(list(SAFE)),
    metavar="OPERATION",
    help="Write complete revisions that hold up nobody; MESSAGE is then what the operation is about.",
)
@click.option(
    "--autogenerate", is_flag=True, help="Fill it with what the models have and the database has not."
)
@click.pass_obj
def command(options: Options, message: tuple[str, ...], autogenerate: bool, safe: str | None) -> None:
    """Write a new revision file; MESSAGE says what it does."""
    if safe is not None:
        if autogenerate:
            raise click.UsageError("--safe and --autogenerate exclude each other.")
        _create_safe(options, safe, message)
        return
    _refuse_options(message)
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


def _refuse_options(message: tuple[str, ...]) -> None:
    """What only an operation of --safe understands."""
    unknown = next((part for part in message if part.startswith("-")), None)
    if unknown:
        raise click.NoSuchOption(unknown, ctx=click.get_current_context())


def _create_safe(options: Options, operation: str, arguments: tuple[str, ...]) -> None:
    from dbmigrate_cli.safe_files import drafts, write_drafts
    from dbmigrate_cli.safe_words import Names

    history = history_of(options)
    found = drafts(operation, arguments, Names(history.naming_convention))
    paths = [str(path) for path in write_drafts(lambda: history_of(options), found)]
    options.output.result(path=paths[0], paths=paths)
    for path in paths:
        options.output.say(path)
    options.output.note("next: say in it why it is needed, then: db-migrate validate")
