"""Which backups are kept, and the notice about those that went."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dbmigrate.domain.backup import COPY, KEEP, Snapshot
from dbmigrate.domain.words import counted, moment

YOUNGEST = 86_400
"""Seconds that every backup lives, whatever else: what a person may still be looking at is not deleted."""
SETTLED = {"available", "failed"}
NOTICE = """\
{head}
Kept are the newest {kept} in each Region (BackupsKept), those of the last day, those of runs that
have not ended, and those that are tagged {keep}.

{parts}

To keep one for good, with any value:
  aws rds add-tags-to-resource --resource-name ARN --tags Key={keep},Value=WHY
"""


@dataclass(frozen=True)
class Deletion:
    """A backup that nobody keeps, and its Region; ``problem`` says why it could not be deleted."""

    snapshot: Snapshot
    region: str
    problem: str = ""


def dispensable(
    snapshots: Iterable[Snapshot],
    ours: Mapping[str, str],
    kept: int,
    running: Collection[str],
    spared: Collection[str],
    now: float,
) -> list[Snapshot]:
    """The snapshots of one Region that nobody keeps any more, oldest first.

    Only those that bear all tags of ``ours`` are looked at. ``running`` are the values of the tag run that
    have not ended, ``spared`` the stems of what is tagged keep somewhere, ``now`` is epoch seconds.
    """
    own = sorted((s for s in snapshots if is_ours(s, ours)), key=lambda s: s.created)
    good = [s.id for s in own if s.status == "available"]
    copies = [name for name in good if name.endswith(COPY)]  # which may lie beside their originals
    newest = {*copies[-kept:], *[name for name in good if name not in copies][-kept:]}
    return [
        s
        for s in own
        if s.id not in newest
        and stem(s.id) not in spared
        and s.status in SETTLED
        and s.tags.get("run") not in running
        and 0 < s.created <= now - YOUNGEST
    ]


def is_ours(snapshot: Snapshot, ours: Mapping[str, str]) -> bool:
    return ours.items() <= snapshot.tags.items()


def stem(snapshot: str) -> str:
    """What the names of an original and its copy have in common."""
    return snapshot.removesuffix(COPY)


def kept_by_tag(snapshots: Iterable[Snapshot]) -> set[str]:
    """The stems of what people keep: the tag on a snapshot keeps its copy, too, and the other way round."""
    return {stem(snapshot.id) for snapshot in snapshots if KEEP in snapshot.tags}


def pruning_subject(environment: str, deletions: Iterable[Deletion]) -> str:
    """For the list of mails."""
    return f"[db-migrate] {environment}: {_counts(list(deletions))}"


def pruning_text(environment: str, kept: int, deletions: Iterable[Deletion]) -> str:
    """What was deleted, and what could not be."""
    found = list(deletions)
    gone = [_line(one) for one in found if not one.problem]
    left = [f"{_line(one)}\n    {one.problem}" for one in found if one.problem]
    parts = ["\n".join(["Deleted:", *gone])] if gone else []
    parts += ["\n".join(["Not deleted, tried again tomorrow:", *left])] if left else []
    return NOTICE.format(
        head=f"{environment}: {_counts(found)}.",
        kept=kept,
        keep=KEEP,
        parts="\n\n".join(parts),
    )


def _counts(deletions: list[Deletion]) -> str:
    failed = sum(bool(one.problem) for one in deletions)
    gone = f"{counted(len(deletions) - failed, 'old backup')} deleted"
    return f"{gone}, {failed} could NOT be" if failed else gone


def _line(one: Deletion) -> str:
    found = one.snapshot
    parts = (found.id, one.region, moment(found.created), found.tags.get("revisions", ""))
    return "  " + "  ".join(part for part in parts if part)
