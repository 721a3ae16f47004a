"""A second server over a copy of a base backup, as it is or brought to a moment."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

from dbmigrate_local.embedded import EmbeddedPostgres

LONGEST = 1800.0  # seconds that replaying transactions may take


def restored(server: EmbeddedPostgres, base: Path) -> None:
    """Start a server over a copy of a base backup: the rows of its end. Raises ServerNotStarted, OSError."""
    _copy(server, base)
    server.start(within=LONGEST)


def restored_to(server: EmbeddedPostgres, base: Path, transactions: Path, moment: dt.datetime) -> None:
    """Start a server over a copy of a base backup, with all that was committed until a moment, and no more.

    `transactions` holds whole WAL files up to a commit after the moment. Raises ServerNotStarted, OSError.
    """
    _copy(server, base)
    signal = server.data / "recovery.signal"
    subprocess.run(["touch", str(signal)], check=True, cwd="/", **server.account.options())
    server.start(once=recovery(transactions, moment), within=LONGEST)


def recovery(transactions: Path, moment: dt.datetime) -> dict[str, str]:
    """The settings of a recovery; they are given to one start, so that no later one meets them."""
    return {
        "restore_command": f'cp "{transactions}/%f" "%p"',
        "recovery_target_time": moment.astimezone(dt.UTC).isoformat(),
        "recovery_target_inclusive": "on",
        "recovery_target_action": "promote",
        "hot_standby": "off",  # nobody reads rows that are not there yet
    }


def _copy(server: EmbeddedPostgres, base: Path) -> None:
    shutil.rmtree(server.folder, ignore_errors=True)  # of an earlier process
    server.account.give(server.folder.parent, 0o755)
    server.account.give(server.folder, 0o755)
    copy = ["cp", "-a", str(base), str(server.data)]
    subprocess.run(copy, check=True, cwd="/", **server.account.options())
