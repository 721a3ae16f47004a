"""What a rule is about, by its id: ours, squawk's, and those about the files of a history."""

from __future__ import annotations

from dataclasses import dataclass

from dbmigrate.domain.rules import RULES
from dbmigrate.domain.text_rules import HEARD, PREFIX, instead_of


@dataclass(frozen=True)
class About:
    """A rule in words; ``page`` is where it is explained, from the repository's top."""

    title: str
    hurts: str
    instead: str
    page: str = "docs/guide.md#on-a-pull-request"


FILES = {
    "history/edited": About(
        "a merged revision was edited",
        "databases that applied it never get the change, and refuse the next run",
        "restore the file, and put the change into a new revision",
    ),
    "history/deleted": About(
        "a merged revision was deleted",
        "databases that applied it no longer know where they stand",
        "restore the file; to undo what it did, write a new revision",
    ),
}


def about(rule: str) -> About:
    """The rule in words."""
    known = RULES.get(rule)
    if known:
        return About(known.title, known.hurts, known.instead, f"docs/rules.md#{anchor(rule, known.title)}")
    if rule in FILES:
        return FILES[rule]
    name = rule.removeprefix(PREFIX)
    title = HEARD[name].title if name in HEARD else name.replace("-", " ")
    return About(title, "squawk reads it so from the statement's text", instead_of(name))


def anchor(rule: str, title: str) -> str:
    """The heading's anchor, as GitHub makes it."""
    text = f"{rule}: {title}".lower()
    kept = "".join(each for each in text if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")
