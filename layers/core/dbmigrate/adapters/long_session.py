"""A session of its own for one long statement: PostgreSQL brings it to its end when we are gone."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace
from typing import Any

from pg8000.native import literal
from sqlalchemy import Connection

from dbmigrate.adapters.cancel import handle_of
from dbmigrate.adapters.handles import Handles
from dbmigrate.adapters.journal import MARK
from dbmigrate.adapters.login import execute_outside, open_raw
from dbmigrate.adapters.migrators import LONG_KEY
from dbmigrate.adapters.target import Limits, Target

# What a revision has set for itself holds for its long statements too, but for the limits.
SETTINGS = """SELECT name, setting FROM pg_settings
 WHERE source = 'session' AND context IN ('user', 'superuser')
   AND name !~ '_timeout$|^client_|^application_name$|^(default_)?transaction_|^synchronous_commit$'"""
# Without a client there is nobody to tell, and a notice that finds nobody ends the session.
ALONE = {"client_connection_check_interval": "0", "client_min_messages": "error"}
END_SECONDS = 5.0


class LongSession:
    """Runs statements in a thread; ``leave`` lets the server go on without us."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        limits: Limits,
        run: str,
        handles: Handles | None,
        short: bool = False,
    ) -> None:
        """``short``: under the lock budget, because others would stand behind it."""
        self._run, self._handles = run, handles
        self.raw: Any = open_raw(target, _alone(limits, run, short))
        self.pid = int.from_bytes(self.raw._backend_key_data[:4], "big")
        self.done = threading.Event()
        self.error: BaseException | None = None
        self._left = False
        try:
            self._like(connection)
            if handles is not None:
                with contextlib.suppress(OSError):
                    handles.put(run, handle_of(self.raw))
        except BaseException:
            self.raw.close()
            raise

    def _like(self, connection: Connection) -> None:
        """The same role, search_path and so on as the revision's own session."""
        raw: Any = connection.connection.driver_connection
        role = str(execute_outside(raw, f"{MARK}SELECT current_setting('role')")[0][0])
        for name, setting in execute_outside(raw, MARK + SETTINGS):
            execute_outside(self.raw, f"SELECT set_config({literal(name)}, {literal(setting)}, false)")
        if role != "none":
            execute_outside(self.raw, f"SELECT set_config('role', {literal(role)}, false)")

    def lock(self) -> bool:
        """Be the one that has a long statement. False when another session has one."""
        return bool(execute_outside(self.raw, f"SELECT pg_try_advisory_lock({LONG_KEY})")[0][0])

    def start(self, sql: str) -> None:
        """Begin; ``done`` is set when it has ended, and ``error`` says how."""
        self.done.clear()
        self.error = None
        self._thread = threading.Thread(target=self._work, args=(sql,), daemon=True)
        self._thread.start()

    def _work(self, sql: str) -> None:
        try:
            self.raw.execute_simple(sql)
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()

    def leave(self) -> None:
        """Close our end only. The handle stays: the session works on."""
        self._left = True
        with contextlib.suppress(OSError):
            self.raw._usock.shutdown(socket.SHUT_RDWR)
        self._thread.join(END_SECONDS)

    def cancel(self, connection: Connection) -> None:
        """End the statement, and wait until it has ended."""
        raw: Any = connection.connection.driver_connection
        limit = time.monotonic() + END_SECONDS
        while not self.done.is_set() and time.monotonic() < limit:
            execute_outside(raw, f"{MARK}SELECT pg_cancel_backend({self.pid})")
            self.done.wait(0.2)

    def close(self) -> None:
        """Give everything back, unless the server was left alone with it."""
        with contextlib.suppress(Exception):
            self.raw.close()
        if self._handles is not None and not self._left:
            with contextlib.suppress(Exception):
                self._handles.forget(self._run, self.pid)


def _alone(limits: Limits, run: str, short: bool) -> Limits:
    return replace(
        limits,
        application=f"{f'db-migrate {run}'[:58]} long",
        statement=0,
        deadline=None,
        lock=limits.lock if short else limits.concurrent_lock,
        also={**limits.also, **ALONE},
    )
