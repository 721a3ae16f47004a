"""Reports made by hand: small ones, and one whose every word comes from somebody who means harm."""

from __future__ import annotations

from typing import Any

from tests.domain.evidences import history, plan, seen

from dbmigrate.domain.changelog import ObjectChange
from dbmigrate.domain.compatibility import Phase
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.plan import Impact, Step
from dbmigrate.domain.report import Place, Report

EVIL = (
    "</details><script>alert(1)</script> `x` ``` [a](http://b.example) ![c](//d) @everyone #1 | **e** <!-- f"
)
CODE = 'def upgrade() -> None:\n    op.create_index("i", "t", ["id"])'


def finding(**more: Any) -> Finding:
    given = {
        "rule": "DM104",
        "revision": "a1",
        "severity": "block",
        "message": "CREATE INDEX takes SHARE on public.orders.",
        "instead": CODE,
        "statement": 1,
        "relation": "public.orders",
        "lock": "SHARE",
        "blocks": "inserts, updates and deletes",
        "scans": True,
        "seconds_low": 3.0,
        "seconds_high": 40.0,
    }
    return Finding(**{**given, **more})


def report(*findings: Finding, **more: Any) -> Report:
    """One revision that builds an index, with these findings."""
    impact = (Impact(1, "public.orders", "SHARE", 3.0, 40.0),)
    sql = ("CREATE INDEX i ON orders (id)",)
    changes = ("+ index public.i: CREATE INDEX i ON orders (id)",)
    step = Step("a1", "Find orders.\n\nMore.", sql, changes, False, True, "expand", impact)
    given = {
        "plan": plan(steps=(step,), end="a1", deploy_order="Deploy the schema first."),
        "evidence": history(seen("a1", sql=sql)),
        "found": {found: Place("migrations/versions/a1.py", 12) for found in findings},
        "judged": "what main (abc) has not",
        "sized": "those of stats.json",
        "phases": {"a1": Phase("expand")},
        "diff": (ObjectChange("+", "index", "public.i", now="CREATE INDEX i ON orders (id)"),),
    }
    return Report(**{**given, **more})


def evil_report() -> Report:
    """Identifiers, messages, reasons and SQL that try to be markup."""
    impact = (Impact(1, EVIL, "SHARE", 1.0, 2.0),)
    step = Step(EVIL, EVIL, (EVIL,), (f"+ {EVIL}",), True, False, "mixed", impact)
    words = dict.fromkeys(("rule", "revision", "message", "instead", "relation", "blocks"), EVIL)
    found = [
        finding(**words),
        finding(**{**words, "instead": f"op.execute({EVIL!r})\n# ```\n"}),
        finding(**words, suppressed_because=EVIL),
    ]
    return report(
        plan=plan(start=EVIL, end=EVIL, steps=(step,), losses=(EVIL,) * 5, deploy_order=EVIL),
        evidence=history(seen(EVIL, sql=(EVIL,), round_trip=False, round_trip_error=EVIL, unseeded=(EVIL,))),
        found={each: Place(EVIL, 1) for each in found},
        judged=EVIL,
        sized=EVIL,
        phases={EVIL: Phase("mixed", (EVIL,), (EVIL,), EVIL)},
        diff=(ObjectChange("~", "table", EVIL, EVIL, EVIL),),
        notes=(EVIL,),
    )
