"""A history's naming convention: what env.py would hand to Alembic with its target_metadata, as a file.

It names the constraints that a revision leaves without a name, or with a part of one.
"""

from __future__ import annotations

import json
from pathlib import Path

from dbmigrate.domain.errors import HistoryRejected

FILE = "naming_convention.json"


def naming_convention(folder: Path) -> dict[str, str]:
    """The convention beside the revisions, as SQLAlchemy's MetaData takes it; empty where there is none.

    Raises HistoryRejected when the file is something else.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _rejected(str(error)) from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _rejected("not names and templates")
    return found


def _rejected(what: str) -> HistoryRejected:
    return HistoryRejected(
        f"{FILE} holds no naming convention: {what}.",
        'write it as SQLAlchemy has it: {"ck": "ck_%(table_name)s_%(constraint_name)s"}',
    )
