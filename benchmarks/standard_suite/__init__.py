"""The standard suite: twelve changes (a default counts once, constant or volatile) over four tables.

Each is written as people write it (Alembic's own operations; SQL for dbmate and yoyo) and with the safe
operations. Releases of the application come where they have to in either form: before a column goes, and
between the two halves of a rename where it has halves.
"""

from benchmarks.standard_suite.base import make_base
from benchmarks.standard_suite.changes import PLAIN, SAFE, Change, Delivery

__all__ = ["PLAIN", "SAFE", "Change", "Delivery", "make_base"]
