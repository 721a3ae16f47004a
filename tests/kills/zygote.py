"""A process that has imported everything and forks a `db-migrate` for each line it reads: kills come by the
hundred, and starting Python for each would take longer than what is killed.

A line is JSON: {"arguments": [...], "log": FILE} starts one and answers its pid; {"wait": PID} waits for its
end and answers its exit code, negative for a signal.
"""

from __future__ import annotations

import json
import os
import sys

import dbmigrate_cli.commands.deploy
from dbmigrate_cli.main import main


def start(arguments: list[str], log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    try:
        main(arguments)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    os._exit(0)


if __name__ == "__main__":
    assert dbmigrate_cli.commands.deploy.command
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            answer = start(asked["arguments"], asked["log"])
        print(answer, flush=True)
