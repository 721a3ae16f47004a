"""The few lines of shell that CI files need beside db-migrate, run with stand-ins for the hosts' programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.ci import Job, job

MARKER = "<!-- db-migrate -->"
REPORT = f'{MARKER}\n### Migrations: review\n`0007`, 100 % \\ "it\'s" $HOME\n'
BOT = {"login": "github-actions[bot]"}
# Keeps what it was called with, and answers a listing with what the test put beside it.
STAND_IN = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if "--request" not in sys.argv and "--method" not in sys.argv:
    print((here / "comments.json").read_text())
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with a `gh`, a `curl` and a report."""
    for name in ("gh", "curl"):
        program = tmp_path / name
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(0o755)
    (tmp_path / "report.md").write_text(REPORT)
    return tmp_path


def shell_of(found: Job, word: str) -> str:
    return next(shell for shell in found.runs if word in shell)


def run(shell: str, folder: Path, **variables: str) -> None:
    environment = os.environ | variables | {"PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", shell], cwd=folder, env=environment, check=True)


def calls(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def comment_on_github(folder: Path, comments: list[dict[str, Any]]) -> list[str]:
    (folder / "comments.json").write_text(json.dumps([comments[:1], comments[1:]]))  # two pages
    shell = shell_of(job("migrations.yml", "report"), "gh api")
    report = str(folder / "report.md")
    run(shell, folder, GITHUB_REPOSITORY="acme/shop", NUMBER="7", GH_TOKEN="t", REPORT=report)
    asked, written = calls(folder)
    assert asked == ["api", "--paginate", "--slurp", "repos/acme/shop/issues/7/comments"]
    assert written[-2:] == ["--field", f"body=@{report}"]
    return written[written.index("--method") + 1 :][:2]


def test_github_gets_a_comment_once(stand_in: Path) -> None:
    others = [{"id": 1, "user": BOT, "body": "Coverage: 100 %"}]
    assert comment_on_github(stand_in, others) == ["POST", "repos/acme/shop/issues/7/comments"]


def test_github_gets_its_comment_updated(stand_in: Path) -> None:
    mine = [{"id": number, "user": BOT, "body": REPORT} for number in (22, 23)]
    assert comment_on_github(stand_in, mine) == ["PATCH", "repos/acme/shop/issues/comments/22"]


def test_a_person_who_quotes_the_marker_keeps_the_comment(stand_in: Path) -> None:
    quoted = [{"id": 9, "user": {"login": "ada"}, "body": REPORT}]
    assert comment_on_github(stand_in, quoted)[0] == "POST"


def note_on_gitlab(folder: Path, notes: list[dict[str, Any]]) -> tuple[str, str]:
    (folder / "comments.json").write_text(json.dumps(notes))
    shell = shell_of(job("gitlab-ci.yml", "report"), "curl")
    run(
        shell,
        folder,
        CI_API_V4_URL="https://gitlab.example/api/v4",
        CI_PROJECT_ID="3",
        CI_MERGE_REQUEST_IID="7",
        NOTES_TOKEN="t",
    )
    written = calls(folder)[-1]
    assert written[written.index("--data-urlencode") + 1] == "body@report.md"
    return written[written.index("--request") + 1], written[-1].partition("/api/v4")[2]


def test_gitlab_gets_a_note_once(stand_in: Path) -> None:
    assert note_on_gitlab(stand_in, []) == ("POST", "/projects/3/merge_requests/7/notes")


def test_gitlab_gets_its_note_updated(stand_in: Path) -> None:
    notes = [{"id": 4, "body": "LGTM"}, {"id": 5, "body": REPORT}]
    assert note_on_gitlab(stand_in, notes) == ("PUT", "/projects/3/merge_requests/7/notes/5")


REVISION = """
revision, down_revision = "0001", None

from alembic import op
import sqlalchemy as sa


def upgrade():
    op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade():
    pass
"""


def test_gitlab_shows_what_the_findings_say(tmp_path: Path, database: str) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_orders.py").write_text(REVISION)
    program = str(Path(sys.executable).with_name("db-migrate"))
    told = subprocess.run(
        [program, "--format", "sarif", "validate", "--from", "base", "--scratch", database],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "findings.sarif").write_bytes(told.stdout)
    run(shell_of(job("gitlab-ci.yml", "validate"), "python3 -"), tmp_path)
    issues = json.loads((tmp_path / "code-quality.json").read_text())
    found = {issue["check_name"]: issue for issue in issues}
    assert found["DM102"]["severity"] == "major"
    assert found["DM102"]["location"] == {
        "path": "migrations/versions/0001_orders.py",
        "lines": {"begin": 12},
    }
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
