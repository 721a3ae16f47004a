"""Text from outside in GitHub's and GitLab's Markdown: it stays text, links nowhere and calls nobody."""

from __future__ import annotations

import re

# An underscore inside of a word marks nothing.
MARKED = re.compile(r"([\\`*\[\]#|~$]|(?<![^\W_])_|_(?![^\W_]))")
BEGINNING = re.compile(r"[-+=]|\d+[.)]")  # of a list, or of a line below a heading
# What GitHub makes of plain text: mentions, references of issues and commits' links.
CALLING = re.compile(r"(@|#|://|www\.)(?=\w)")
NOTHING = "\u200b"  # parts @ and name without being seen
MOST_LINES = 200


def plain(text: str) -> str:
    """The text in one line, without any markup, mention or link."""
    marked = MARKED.sub(r"\\\1", _escaped(text))
    begin = BEGINNING.match(marked)
    if begin:
        marked = f"{begin[0][:-1]}\\{marked[begin.end() - 1 :]}"
    return CALLING.sub(rf"\g<1>{NOTHING}", marked)


def html(text: str) -> str:
    """The same for a place where HTML is read and no Markdown, as in a summary."""
    return CALLING.sub(rf"\g<1>{NOTHING}", _escaped(text))


def code(text: str) -> str:
    """The text as code in a line or in a cell of a table; backticks in it end nothing."""
    one_line = " ".join(text.split()).replace("|", "\\|") or " "
    fence = "`" * (_longest_run(one_line) + 1)
    pad = " " if "`" in one_line else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"


def block(text: str, language: str = "", most: int = 8000) -> str:
    """The text as a block of code, cut with a sentence after ``most`` characters or MOST_LINES lines."""
    lines = text.strip("\n").splitlines() or [""]
    shown: list[str] = []
    for line in lines[:MOST_LINES]:
        most -= len(line) + 1
        if most < 0:
            break
        shown.append(line)
    fence = "`" * max(3, _longest_run(text) + 1)
    cut = "" if len(shown) == len(lines) else f"\n\nCut here: the first {len(shown)} of {len(lines)} lines."
    return "\n".join((f"{fence}{language}", *shown, fence)) + cut


def folded(summary: str, body: str) -> str:
    """A part that opens with a click; ``summary`` is HTML."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
