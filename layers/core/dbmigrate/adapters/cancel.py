"""PostgreSQL's CancelRequest: cancels a session's statement without a login, so it needs no free connection.

The numbers are those of the protocol's chapter "Message Formats".
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

from dbmigrate.adapters.login import CONNECT_SECONDS, tls_context
from dbmigrate.adapters.target import Target
from dbmigrate.domain.errors import DatabaseUnreachable
from dbmigrate.domain.handle import Handle

CANCEL_REQUEST = 80877102
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def handle_of(raw: Any) -> Handle:
    """The handle of a pg8000 connection. The address is the one that answered: a host name may lead to
    another server by the time of the cancelling."""
    pid, secret = struct.unpack("!II", raw._backend_key_data[:8])
    host, port = raw._usock.getpeername()[:2]
    application = raw.parameter_statuses.get("application_name", "")
    return Handle(
        pid, secret, host, port, application.decode() if isinstance(application, bytes) else application
    )


def send_cancel(target: Target, handle: Handle) -> None:
    """Ask the server to cancel what the session does now; an idle or an unknown session hears nothing of it.

    Returns when the server has passed it on. ``target`` tells whether, and as whom, the server proves itself.
    Raises DatabaseUnreachable, or Misconfigured for an unreadable certificate file.
    """
    tls = tls_context(target)
    try:
        with contextlib.ExitStack() as open_ones:
            server: socket.socket = open_ones.enter_context(
                socket.create_connection((handle.host, handle.port), CONNECT_SECONDS)
            )
            if tls is not None:
                server.sendall(SSL_REQUEST)
                if server.recv(1) != b"S":
                    raise ConnectionError("it does not speak TLS")
                server = open_ones.enter_context(tls.wrap_socket(server, server_hostname=target.host))
            server.sendall(struct.pack("!iiII", 16, CANCEL_REQUEST, handle.pid, handle.secret))
            while server.recv(64):  # closed without an answer, when the signal is sent
                pass
    except OSError as error:
        raise DatabaseUnreachable(
            f"No cancelling reaches {handle.host}:{handle.port} ({str(error) or type(error).__name__}).",
            "check that the server runs and that the network leads to it, then try again",
        ) from error
