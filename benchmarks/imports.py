"""The approval function's import against the upgrade function's: the cold start for which a person waits.

Why the ratio is fair: each import runs in a new process whose only paths are those that the Lambda runtime
would have (the function's folder, the layer's source, the installed packages), without this environment's
start-up hooks, and costs CPU seconds (the process's own resource usage), which a busy neighbour lengthens
less than wall time. Modules are compiled beforehand, as they are in the layer. The interpreter's own start
is the same for both and not counted.

"Ready" goes on to build what the first call needs (AWS clients for the click, the database driver for the
upgrade), so that nothing gains by importing later. It is reported without a bound.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

from benchmarks.measure import ROOT, Figure, in_turns, options, report

BOUND = 0.5
READY = {
    "decide": "app.wiring.approvals(), app.wiring.bundle_store(), app.wiring.task_tokens()",
    "upgrade": "app.wiring.bundle_store(), app.database",
}
CHILD = """
import resource
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
before = used()
import app
{more}
print(used() - before)
"""


def cpu_seconds(function: str, more: str = "") -> float:
    """What one cold import of a function's handler costs, and of ``more`` with it."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "functions" / function), str(ROOT / "layers" / "core"), sysconfig.get_path("purelib")]
        ),
        **SETTINGS,
    }
    code = CHILD.format(more=more)
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"importing functions/{function}/app.py failed:\n{done.stderr}")
    return float(done.stdout)


SETTINGS = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_SERVICE_NAME": "db-migrate",
    "POWERTOOLS_METRICS_NAMESPACE": "DbMigrate",
    "ENVIRONMENT": "staging",
    "APPROVALS_TABLE": "approvals",
    "BUNDLE_BUCKET": "bundles",
}


def main() -> int:
    given = options(__doc__, repetitions=15).parse_args()
    imported = in_turns(
        given.repetitions, lambda pair: cpu_seconds("decide"), lambda pair: cpu_seconds("upgrade")
    )
    ready = in_turns(
        given.repetitions,
        lambda pair: cpu_seconds("decide", READY["decide"]),
        lambda pair: cpu_seconds("upgrade", READY["upgrade"]),
    )
    figures = [
        Figure("import of decide against import of upgrade", *imported, BOUND, "CPU s"),
        Figure("decide ready against upgrade ready", *ready, None, "CPU s"),
    ]
    return report("imports", figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
