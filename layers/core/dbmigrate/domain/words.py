"""Times and counts as people read them, the same on pages, in e-mails and in notices."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dbmigrate.domain.errors import BadRequest

OF_AN_ENVIRONMENT = re.compile(
    r"\bdb-migrate (?=(?:check|deploy|drill|pause|recover|resume|rollback|runs|status|stop)\b)"
)
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def in_environment(hint: str, environment: str) -> str:
    """What to type next, as it is typed for this environment; development needs no option."""
    if environment in ("", "development"):
        return hint
    return OF_AN_ENVIRONMENT.sub(f"db-migrate --environment {environment} ", hint)


def duration(seconds: float) -> str:
    """``90`` as "1 minute 30 seconds": the two largest units that say something."""
    if seconds < 1:
        return "less than a second"
    left, parts = round(seconds), []
    for word, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(counted(count, word))
        elif parts:
            break
    return " ".join(parts[:2])


def ago(seconds: float) -> str:
    """How long something is past, without pretending precision."""
    return "just now" if seconds < 60 else f"{duration(seconds - seconds % 60)} ago"


def counted(count: int, word: str, words: str = "") -> str:
    """``3, "revision"`` as "3 revisions". ``words`` is the plural where it is another."""
    return f"{count} {word}" if count == 1 else f"{count} {words or word + 's'}"


def moment(epoch: float) -> str:
    """Epoch seconds as "2026-05-01 12:30 UTC"."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M UTC")


def timestamp(epoch: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, for machines."""
    return datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")


def epoch_of(text: str, where: str) -> float:
    """The epoch seconds of an ISO 8601 time; without a zone it is UTC. Raises BadRequest."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{where} must be an ISO 8601 time, not '{text}'.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def first_line(text: str) -> str:
    """The first line with something on it: the why of a revision."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


BUCKETS = ((0.1, "under 0.1 s"), (1.0, "under a second"), (60.0, "seconds"), (3600.0, "minutes"))
"""How long something lasts, at a glance: below so many seconds it is called so, above all of them "hours"."""
UNSIZED = "unknown, no size"


def bucket(seconds_high: float | None) -> str:
    """One of BUCKETS for the upper end of a range; UNSIZED where there is none."""
    if seconds_high is None:
        return UNSIZED
    return next((word for limit, word in BUCKETS if seconds_high < limit), "hours")


def span(low: float | None, high: float | None) -> str:
    """A range of seconds as "2 to 12 min": one unit, two digits."""
    if low is None or high is None:
        return "at least " + span(0, low).rpartition(" to ")[2] if low and low >= 0.1 else UNSIZED
    if high < 0.1:
        return BUCKETS[0][1]
    size, unit = next(
        (size, unit) for size, unit in ((3600, "h"), (60, "min"), (1, "s")) if high >= 2 * size or size == 1
    )
    first, last = (_two_digits(seconds / size) for seconds in (low, high))
    return f"{last} {unit}" if first == last else f"{first} to {last} {unit}"


def _two_digits(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:.0f}"


def size(count: float) -> str:
    """Bytes as "42 GB", in powers of a thousand as AWS sells them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
