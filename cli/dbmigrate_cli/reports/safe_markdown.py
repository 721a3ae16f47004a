"""Text from outside in GitHub's and GitLab's Markdown: it stays text, links nowhere and calls nobody."""

from __future__ import annotations

import re

from dbmigrate.domain.words import counted

# An underscore inside of a word marks nothing.
MARKED = re.compile(r"([\\`*\[\]#|~$]|(?<![^\W_])_|_(?![^\W_]))")
BEGINNING = re.compile(r"[-+=]|\d+[.)]")  # of a list, or of a line below a heading
# What GitHub makes of plain text: mentions, references of issues and commits' links.
CALLING = re.compile(r"(@|#|://|www\.)(?=\w)")
NOTHING = "\u200b"  # parts @ and name without being seen
BACKTICKS = re.compile(r"`{20,}")  # nobody means so many, and the fence around them would be longer
LONGEST = 1000  # characters of a line
MOST_LINES = 200


def plain(text: str) -> str:
    """The text in one line, without any markup, mention or link."""
    marked = MARKED.sub(r"\\\1", _escaped(_one_line(text)))
    begin = BEGINNING.match(marked)
    if begin:
        marked = f"{begin[0][:-1]}\\{marked[begin.end() - 1 :]}"
    return CALLING.sub(rf"\g<1>{NOTHING}", marked)


def html(text: str) -> str:
    """The same for a place where HTML is read and no Markdown, as in a summary."""
    return CALLING.sub(rf"\g<1>{NOTHING}", _escaped(_one_line(text)))


def code(text: str) -> str:
    """The text as code in a line or in a cell of a table; backticks in it end nothing."""
    one_line = _one_line(text).replace("|", "\\|") or " "
    fence = "`" * (_longest_run(one_line) + 1)
    pad = " " if "`" in one_line else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"


def block(text: str, language: str = "", most: int = 8000) -> str:
    """The text as a block of code, cut with a sentence after ``most`` characters or MOST_LINES lines."""
    lines = BACKTICKS.sub("…", text).strip("\n").splitlines() or [""]
    shown = [lines[0][:most]]
    for line in lines[1:MOST_LINES]:
        if sum(map(len, shown)) + len(shown) + len(line) > most:
            break
        shown.append(line)
    fence = "`" * max(3, _longest_run(text) + 1)
    cut = "" if shown == lines else f"\n\nCut here: the first {counted(len(shown), 'line')} of {len(lines)}."
    return "\n".join((f"{fence}{language}", *shown, fence)) + cut


def folded(summary: str, body: str) -> str:
    """A part that opens with a click; ``summary`` is HTML."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _one_line(text: str) -> str:
    line = BACKTICKS.sub("…", " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", BACKTICKS.sub("", text))), default=0)
