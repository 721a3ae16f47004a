"""squawk, a linter of SQL text, as a child process; it reads the SQL that really ran."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbmigrate.domain.effects import Effects
from dbmigrate.domain.text_rules import TextFinding

SECONDS = 60
NOT_PARSED = "syntax-error"
VALUES = "  -- with "
CUT_OFF = "  -- not the same each time"
OWN_IGNORE = re.compile(r"squawk-(ignore|disable)", re.IGNORECASE)


class SquawkFailed(Exception):
    """It did not run, or said something that is none of its reports."""


def lint(
    squawk: Path, revisions: Mapping[str, Sequence[Effects]], server_major: int
) -> list[tuple[str, TextFinding]]:
    """What squawk says of the statements of each revision. Raises SquawkFailed."""
    scripts = {revision: _Script(statements) for revision, statements in revisions.items()}
    reports = _run(squawk, scripts, server_major)
    broken = {
        (revision, scripts[revision].statement_at(found))
        for revision, found in reports
        if found["rule_name"] == NOT_PARSED
    }
    if broken:
        # What squawk cannot parse hides the rest of the script from it.
        for revision, statement in broken:
            scripts[revision].leave_out(statement)
        reports = _run(squawk, scripts, server_major)
    return [
        (revision, TextFinding(found["rule_name"], scripts[revision].statement_at(found), _message(found)))
        for revision, found in reports
        if found["rule_name"] != NOT_PARSED
    ]


@dataclass
class _Script:
    """The statements of one revision as a file, and which line is whose."""

    statements: Sequence[Effects]

    def __post_init__(self) -> None:
        self.left_out: set[int] = set()

    def leave_out(self, statement: int) -> None:
        self.left_out.add(statement)

    @property
    def pieces(self) -> list[str]:
        return [
            "" if number in self.left_out else _text(statement.sql)
            for number, statement in enumerate(self.statements, 1)
        ]

    @property
    def text(self) -> str:
        return "".join(f"{piece}\n;\n" for piece in self.pieces)

    def statement_at(self, found: Mapping[str, Any]) -> int:
        starts, line = [], 0
        for piece in self.pieces:
            starts.append(line)
            line += piece.count("\n") + 2
        return max(1, bisect_right(starts, int(found["line"])))


def _text(sql: str) -> str:
    """The statement as a parser takes it: a bound value is as good as another."""
    if CUT_OFF in sql:
        return ""
    text, values, _ = sql.rstrip().rstrip(";").partition(VALUES)
    if values:
        text = re.sub(r"%(?:\(\w+\))?s|:\w+\b(?<!::)", "NULL", text).replace("%%", "%")
    # A comment that silences squawk has no reason with it.
    return OWN_IGNORE.sub("ignored", text)


def _run(
    squawk: Path, scripts: Mapping[str, _Script], server_major: int
) -> list[tuple[str, Mapping[str, Any]]]:
    with tempfile.TemporaryDirectory(prefix="db-migrate-squawk-") as folder:
        files = {f"{number:05d}.sql": revision for number, revision in enumerate(scripts)}
        for name, revision in files.items():
            (Path(folder) / name).write_text(scripts[revision].text, encoding="utf-8")
        # In a folder of its own no configuration of somebody else's is found.
        found = _reports(squawk, folder, files, server_major) if files else []
        return [(files[Path(report["file"]).name], report) for report in found]


def _reports(squawk: Path, folder: str, files: Iterable[str], server_major: int) -> list[Mapping[str, Any]]:
    command = [str(squawk), "--reporter", "json", "--assume-in-transaction"]
    # Not --exclude: a name that this version of it does not know is an error.
    command += ["--pg-version", f"{server_major}.0", *files]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        reports = json.loads(done.stdout)
        return sorted(reports, key=lambda report: (report["file"], report["line"], report["column"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise SquawkFailed(f"{squawk.name} failed: {type(error).__name__}: {error}") from error


def _message(found: Mapping[str, Any]) -> str:
    return " ".join(part.strip() for part in (found["message"], found.get("help") or "") if part)
