"""The command as a process: its console script, its imports, its pipes, the aliases of npm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.cases import query, tables, write_revision

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
IMPORTED = """
import sys
from dbmigrate_cli.main import main
try:
    main()
finally:
    print(sorted({"rich", "boto3", "dbmigrate_local", "moto"} & sys.modules.keys()), file=sys.stderr)
"""


def process(*command: str, database: str, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": database, "PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **more)  # type: ignore[call-overload,no-any-return]


def test_a_deploy_loads_neither_rich_nor_boto3_nor_the_stand_in(database: str, history: Path) -> None:
    for _ in range(2):
        done = process(sys.executable, "-c", IMPORTED, "deploy", database=database)
        assert done.returncode == 0 and done.stderr.endswith("[]\n")


def test_the_console_script_ends_with_its_code(database: str, history: Path) -> None:
    assert process("db-migrate", "deploy", database=database).returncode == 0
    assert process("db-migrate", "--environment", "qa", "status", database=database).returncode == 2
    assert process("db-migrate", "--version", database=database).stdout.startswith("db-migrate 0.")


def test_a_reader_that_leaves_does_not_stop_the_migration(database: str, history: Path) -> None:
    done = process("sh", "-c", "db-migrate deploy | true", database=database)
    assert (done.returncode, done.stderr) == (0, "")
    assert tables(database) == {"t1", "t2", "t3"}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_deploy_and_gives_the_lease_back(
    database: str, history: Path, sign: signal.Signals
) -> None:
    write_revision(history, "0004", "0003", 'op.execute("SELECT pg_sleep(60)")')
    environment = {**os.environ, "DATABASE_URL": database}
    with subprocess.Popen(
        [BIN / "db-migrate", "deploy"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        while "0003" not in running.stdout.readline():
            assert running.poll() is None
        running.send_signal(sign)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130 and "Traceback" not in said
    assert (
        query(database, "SELECT outcome FROM dbmigrate.run WHERE ended_at IS NULL OR outcome = 'Succeeded'")
        == []
    )
    assert tables(database) == {"t1", "t2", "t3"}


@pytest.fixture
def project(folder: Path, history: Path) -> Path:
    """What the guide's reader has: package.json and bin/ beside the migrations."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine")
    shutil.copy(ROOT / "package.json", folder)
    shutil.copytree(ROOT / "bin", folder / "bin")
    return folder


def test_every_alias_of_the_guide_works_as_written(project: Path, database: str) -> None:
    for script, *rest in (
        ["status"],
        ["create", "add_user_preferences_table"],
        ["validate"],
        ["deploy"],
        ["deploy:force"],
        ["check"],
        ["rollback"],
    ):
        done = process("npm", "run", f"db:migrate:{script}", *rest, database=database, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "migrations/versions/0004_add_user_preferences_table.py").is_file()
    refused = process("npm", "run", "db:migrate:reset", database=database, cwd=project)
    assert refused.returncode == 3 and "reset --yes" in refused.stderr
    assert tables(database) == {"t1", "t2", "t3"}


def test_the_checkouts_own_environment_comes_first(project: Path, database: str) -> None:
    own = project / ".venv/bin/db-migrate"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho mine: $*\n")
    own.chmod(0o755)
    assert "mine: status" in process("npm", "run", "db:migrate:status", database=database, cwd=project).stdout


def test_the_launcher_is_found_through_a_link(project: Path, folder: Path) -> None:
    own = project / ".venv/bin/db-migrate"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho mine: $*\n")
    own.chmod(0o755)
    (folder / "linked").mkdir()
    link = folder / "linked" / "db-migrate"
    link.symlink_to(Path("..") / (project / "bin/db-migrate").relative_to(folder))
    assert subprocess.check_output([link, "status"], text=True) == "mine: status\n"
    own.write_text("#!/bin/sh\necho $PYTHONHASHSEED\n")
    assert subprocess.check_output([link], text=True, env={"PATH": "/usr/bin:/bin"}) == "0\n"
    own.unlink()
    path = {"PATH": f"{link.parent}:/usr/bin:/bin"}
    done = subprocess.run([link], env=path, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "not installed" in done.stderr


def test_without_an_installation_the_launcher_says_what_to_type(project: Path, database: str) -> None:
    done = subprocess.run(
        [project / "bin/db-migrate"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.returncode == 2 and "next: " in done.stderr
