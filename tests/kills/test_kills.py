"""Kill the migrator anywhere, two hundred times: status names what is in between, a rerun finishes, and
nothing is lost, doubled or left behind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.adapters.project import move, rows
from tests.kills.revisions import CHANGES, ROWS, SEED, write_history
from tests.kills.trial import Trial, Zygote, zygote

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History, load_history
from dbmigrate.domain.catalog import Catalog, changes_between
from dbmigrate.domain.standing import label
from dbmigrate_local.embedded import EmbeddedPostgres

WANTED_KILLS = 200
SEEDS = ("autumn", "winter", "spring", "summer")
EXACT = (
    "SELECT count(*), sum(balance), count(DISTINCT email), count(DISTINCT token), sum(small) FROM accounts"
)
LEDGER = "SELECT revision, count(*) FROM dbmigrate.revision GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True)
class Undisturbed:
    """What a run without a kill leaves: the catalog after each revision, and the rows."""

    history: History
    catalogs: dict[str, Catalog]
    rows: list[tuple[object, ...]]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    history = load_history(write_history(tmp_path_factory.mktemp("history")))
    url = postgres.create_database("kills_seed")
    postgres.execute(SEED, "kills_seed")
    postgres.create_database("kills_undisturbed", template="kills_seed")
    url = postgres.url_for("kills_undisturbed")
    database = Database(target_from_url(url), "development")
    catalogs = {"base": database.catalog()}
    for revision in history.order:
        move(database, history, revision)
        catalogs[revision] = database.catalog()
    return Undisturbed(history, catalogs, rows(url, EXACT), 2.5)


@pytest.fixture(scope="module")
def migrators() -> Iterator[Zygote]:
    with zygote() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_anywhere_a_rerun_finishes(
    seed: str, undisturbed: Undisturbed, migrators: Zygote, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    chance, kills, number, named = random.Random(seed), 0, 0, set()
    while kills < WANTED_KILLS / len(SEEDS):
        number += 1
        name = f"kills_{seed}_{number}"
        url = postgres.create_database(name, template="kills_seed")
        trial = Trial(migrators, url, undisturbed.history, tmp_path / f"{number}.log", chance)
        while trial.hit(undisturbed.seconds):
            trial.check_named(undisturbed.catalogs)
        assert trial.finish() == 0, trial.log.read_text()
        _as_undisturbed(trial, undisturbed)
        said = trial.log.read_text()
        assert "Traceback" not in said, said
        kills += trial.kills
        named |= set(trial.named)
        postgres.drop_database(name)
    assert len(named) >= 5, f"the kills all fell between the steps: {named}"


def _as_undisturbed(trial: Trial, undisturbed: Undisturbed) -> None:
    standing = trial.database.look()
    head = label(standing.current)
    assert head == undisturbed.history.head
    assert not changes_between(undisturbed.catalogs[head], standing.catalog)
    assert not standing.invalid_indexes
    assert rows(trial.url, EXACT) == undisturbed.rows
    assert rows(trial.url, LEDGER) == [(revision, 1) for revision in undisturbed.history.order]
    assert undisturbed.rows[0][0] == ROWS and len(CHANGES) == len(undisturbed.history.order)
