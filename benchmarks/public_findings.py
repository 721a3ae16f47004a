"""What the rules say of another project's history, so that people can read each finding against its revision.

Counts, not times. First `db-migrate validate --from base` runs as users type it: there must be evidence for
every revision. To that command the database is empty, so that hardly anything hurts anybody; so each revision
is then judged alone, as the only one pending on a database that has all that came before it: once with sizes
unknown, which counts as large, and once with small tables. Run it in the environment in which the project is
installed, because revisions import their project: docs/public-histories.md has the procedure.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import options
from dbmigrate.adapters.history import History, load_history
from dbmigrate.domain.catalog import tables
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import facts_of
from dbmigrate.domain.findings import Finding, judge
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.sizes import Size
from dbmigrate_cli.evidence import known_evidence

SMALL = Size(rows=1_000, bytes=256 * 1024, index_bytes=64 * 1024)
COMMAND = [sys.executable, "-c", "from dbmigrate_cli.main import main; main()"]


def validated(migrations: Path, folder: Path) -> dict[str, Any]:
    """The command's own report. Raises RuntimeError where it made none."""
    arguments = ["--migrations", str(migrations), "--format", "json", "validate", "--from", "base"]
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True)
    report: dict[str, Any] = json.loads(done.stdout)
    if done.returncode not in (0, 3) or "error" in report and not report["revisions"]:
        raise RuntimeError(f"exit {done.returncode}: {report.get('error')}")
    return report


def evidence_of(history: History, folder: Path) -> Evidence:
    """What the command has kept. Raises RuntimeError where a revision is missing in it."""
    with contextlib.chdir(folder):
        found = known_evidence(history)
    missing = set(history.order) - (found.revisions.keys() if found else set())
    if found is None or missing:
        raise RuntimeError(f"There is no evidence for {', '.join(sorted(missing))}.")
    return found


def alone(evidence: Evidence, history: History, size: Size | None) -> Iterator[Finding]:
    """The findings of each revision as the only pending one."""
    heads: set[str] = set()
    for revision in evidence.order:
        start = sorted(heads)
        existing = tables(evidence.catalog_at(start))
        sizes = dict.fromkeys(existing, size) if size else {}
        facts = facts_of(evidence, start, [revision], existing, sizes, evidence.server_major)
        yield from judge(RULES.values(), facts)
        heads = heads - {*history.revisions[revision].down} | {revision}


def counted(findings: Sequence[Finding]) -> dict[str, dict[str, int]]:
    """Rule -> severity -> how many."""
    counts = Counter((finding.rule, finding.severity) for finding in findings)
    return {
        rule: {severity: counts[rule, severity] for severity in ("block", "review", "note")}
        for rule in sorted({finding.rule for finding in findings})
    }


def look(package: str, migrations: Path) -> dict[str, Any]:
    """The whole note on one history."""
    history = load_history(migrations)
    with tempfile.TemporaryDirectory(prefix="public-findings-") as name:
        report = validated(migrations.resolve(), Path(name))
        evidence = evidence_of(history, Path(name))
    large, small = (list(alone(evidence, history, size)) for size in (None, SMALL))
    return {
        "package": f"{package} {version(package)}",
        "revisions": len(evidence.order),
        "statements": sum(len(seen.statements) for seen in evidence.revisions.values()),
        "unseeded": sorted({table for seen in evidence.revisions.values() for table in seen.unseeded}),
        "from_base": counted([Finding.from_json(found) for found in report["findings"]]),
        "large": counted(large),
        "small": counted(small),
        "findings": [_told(finding, evidence, history) for finding in large],
    }


def _told(finding: Finding, evidence: Evidence, history: History) -> dict[str, Any]:
    """A finding with what a reader needs to judge it."""
    sql = evidence.revisions[finding.revision].sql
    at = finding.statement
    return {
        **finding.to_json(),
        "file": history.paths[finding.revision].name,
        "sql": sql[at - 1] if at and at <= len(sql) else None,
    }


def show(found: Mapping[str, Any], rule: str | None) -> None:
    print(f"{found['package']}: {found['revisions']} revisions, {found['statements']} statements traced")
    print(f"tables that could not be seeded: {', '.join(found['unseeded']) or 'none'}")
    for judged in ("from_base", "large", "small"):
        print(f"{judged}:")
        for name, severities in found[judged].items():
            told = ", ".join(f"{number} {severity}" for severity, number in severities.items() if number)
            print(f"  {name}  {told}")
    for finding in found["findings"]:
        if finding["rule"] == rule:
            print(f"\n{finding['file']}, statement {finding['statement']}: {finding['severity']}")
            print(f"  {finding['message']}\n  {finding['sql']}\n  instead: {finding['instead']}")


def main() -> int:
    parser = options(__doc__, repetitions=1)
    parser.add_argument("--package", required=True, help="the installed distribution, for the report")
    parser.add_argument("--migrations", required=True, type=Path, help="its Alembic script location")
    parser.add_argument(
        "--show", metavar="RULE", help="also print this rule's findings with their statements"
    )
    given = parser.parse_args()
    found = look(given.package, given.migrations)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show(found, given.show)
    return 0


if __name__ == "__main__":
    sys.exit(main())
