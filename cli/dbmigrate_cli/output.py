"""What the command says: calm lines for people, one JSON document for programs, colour only on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

import click

QUIET_SECONDS = 1.0
MOST_COLUMNS = 110  # a longer line of prose is hard to read


class Output:
    """Results go to stdout; with another format than text, everything else goes to stderr.

    A reader that goes away (``| head``) must never stop a migration half-way: its lines are dropped.
    """

    def __init__(self, format: Callable[[], str]) -> None:
        self._format = format
        self._result: dict[str, Any] = {}
        self._document = ""

    @property
    def for_programs(self) -> bool:
        """Whether stdout belongs to a document."""
        return self._format() != "text"

    @property
    def on_terminal(self) -> bool:
        """Whether a person watches the lines of ``say``."""
        return bool(self._stream().isatty())

    def say(self, text: str = "", **style: Any) -> None:
        """A line about the work or its result; style is that of click.style."""
        _write(self._stream(), text, style)

    def note(self, text: str) -> None:
        """A line beside the result, on stderr."""
        _write(sys.stderr, text, {"dim": True})

    def complain(self, text: str) -> None:
        """Lines about what went wrong, on stderr."""
        _write(sys.stderr, text, {})

    def error(self, message: str, hint: str) -> None:
        """What went wrong and what to type next."""
        _write(sys.stderr, click.style("error: ", fg="red", bold=True) + message, {})
        if hint:
            _write(sys.stderr, click.style("next: ", bold=True) + hint, {})

    def result(self, **values: Any) -> None:
        """What a program gets; it is written once, at the command's end."""
        self._result.update(values)

    def document(self, text: str) -> None:
        """What stdout gets with a format that is neither text nor json."""
        self._document = text

    def finish(self) -> None:
        """Write the document."""
        if self._format() == "json" and self._result:
            _write(sys.stdout, json.dumps(self._result, indent=2, ensure_ascii=False, default=str), {})
        elif self._document:
            _write(sys.stdout, self._document, {})

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Aligned "name  value" lines; a value of several lines stays in its column."""
        pairs = list(pairs)
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            first, *more = self._folded(value, width + 2) or [""]
            self.say(click.style(name.ljust(width), dim=True) + "  " + first)
            for line in more:
                self.say(" " * (width + 2) + line)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns: drawn to the terminal's width, or whole in plain text."""
        if self.on_terminal:
            _draw(self._stream(), heads, rows)
            return
        widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
        for row in [heads, *rows]:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.say("  ".join(cells).rstrip())

    def fit(self, text: str) -> str:
        """The text in one line of the terminal; whole where there is none."""
        return text[: _columns() - 1] if self.on_terminal else text

    def wrapped(self, text: str, indent: str = "", hanging: str | None = None, **style: Any) -> None:
        """A paragraph in the terminal's width, its further lines under ``hanging``; elsewhere in one line."""
        hanging = " " * len(indent) if hanging is None else hanging
        for number, line in enumerate(self._folded(text, len(hanging))):
            self.say(((hanging if number else indent) + line).rstrip(), **style)

    def _folded(self, text: str, room: int) -> list[str]:
        """The lines of a text that begin behind so many columns."""
        import textwrap

        if not self.on_terminal:
            return text.splitlines() or [""]
        width = max(min(_columns(), MOST_COLUMNS) - room, 20)
        return [
            piece
            for line in text.splitlines() or [""]
            for piece in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
        ]

    def progress(self, verb: str) -> Progress:
        """Progress of long work, on stderr."""
        return Progress(verb)

    def _stream(self) -> IO[str]:
        return sys.stderr if self.for_programs else sys.stdout


class Progress:
    """One line that changes on a terminal; elsewhere a line each second at first, then ever more seldom: a
    log shows life and stays short."""

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.began = self.shown = time.monotonic()
        self.width = 0

    def __call__(self, done: int, total: int, what: str) -> None:
        """``done`` of ``total`` are finished and ``what`` is being worked on."""
        text = f"{self.verb} {done + 1}/{total}  {what}"
        if sys.stderr.isatty():
            self._replace(text)
        elif time.monotonic() - self.shown > max(QUIET_SECONDS, (self.shown - self.began) / 4):
            self.shown = time.monotonic()
            _write(sys.stderr, text, {})

    def clear(self) -> None:
        """Make room for what follows."""
        if self.width:
            self._replace("")
            self.width = 0

    def _replace(self, text: str) -> None:
        text = text[: _columns() - 1]
        _write(sys.stderr, "\r" + text.ljust(self.width) + ("\r" if not text else ""), {}, end="")
        self.width = len(text)


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _write(stream: IO[str], text: str, style: dict[str, Any], end: str = "\n") -> None:
    coloured = stream.isatty() and "NO_COLOR" not in os.environ
    line = (click.style(text, **style) if style else text) if coloured else click.unstyle(text)
    try:
        stream.write(line + end)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except UnicodeEncodeError:
        stream.write((line + end).encode("ascii", "replace").decode())


def _draw(stream: IO[str], heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for place, head in enumerate(heads):
        table.add_column(head, no_wrap=place == 0, overflow="fold")  # the first one is there to be copied
    for row in rows:
        table.add_row(*row)
    Console(file=stream, highlight=False, markup=False, emoji=False).print(table)
