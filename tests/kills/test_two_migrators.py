"""Two migrators at once, ten times, with CONCURRENTLY in both: one works, the other says so, no deadlock."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.project import rows
from tests.kills.revisions import SEED, write_history
from tests.kills.trial import zygote

from dbmigrate.adapters.history import load_history
from dbmigrate_local.embedded import EmbeddedPostgres

ROUNDS = 10
WORKED = "SELECT count(*), count(DISTINCT revision), count(DISTINCT run) FROM dbmigrate.revision"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
DONE, REFUSED = 0, 3


def test_exactly_one_works(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    history = load_history(write_history(tmp_path / "history"))
    postgres.create_database("pair_seed")
    postgres.execute(SEED, "pair_seed")
    with zygote() as migrators:
        for number in range(ROUNDS):
            url = postgres.create_database(f"pair_{number}", template="pair_seed")
            logs = [tmp_path / f"{number}-{side}.log" for side in ("left", "right")]
            deploy = ["--migrations", str(history.folder), "--database", url, "deploy"]
            pids = [migrators.ask(arguments=deploy, log=str(log)) for log in logs]
            codes = sorted(migrators.ask(wait=pid) for pid in pids)
            said = "\n".join(log.read_text() for log in logs)
            assert codes in ([DONE, REFUSED], [DONE, DONE]), said
            assert "deadlock" not in said and "Traceback" not in said
            assert ("nother migrator" in said) is (codes == [DONE, REFUSED]), said
            assert rows(url, WORKED) == [(len(history.order), len(history.order), 1)], said
            assert rows(url, DEADLOCKS) == [(0,)]
            postgres.drop_database(f"pair_{number}")
