"""What plain Alembic loads by the entry point "alembic.plugins". Importing it made the operations known."""

from alembic.runtime.plugins import Plugin


def setup(plugin: Plugin) -> None:
    """Alembic asks every plugin for this; the operations have registered themselves."""
