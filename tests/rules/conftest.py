"""Databases that already have the tables and rows with which a case begins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.rules.case import Case, write_project

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import prepare_base
from dbmigrate_local.embedded import EmbeddedPostgres

NUMBERS = itertools.count(1)
Scratch = Callable[[Case], str]


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], str]:
    """The name of a database with the base of a case, made once for all cases that have the same."""
    made: dict[tuple[Path, ...], str] = {}

    def of(case: Case) -> str:
        if case.before not in made:
            folder, name = tmp_path_factory.mktemp("base") / "project", f"rules_base_{next(NUMBERS)}"
            base, _ = write_project(case, folder)
            target = target_from_url(postgres.create_database(name))
            prepare_base(load_history(folder), target, base)
            made[case.before] = name
        return made[case.before]

    return of


@pytest.fixture
def scratch(postgres: EmbeddedPostgres, template: Callable[[Case], str]) -> Iterator[Scratch]:
    """A database for the rehearsal of a case, gone after the test."""
    made: list[str] = []

    def of(case: Case) -> str:
        made.append(f"rules_{next(NUMBERS)}")
        return postgres.create_database(made[-1], template(case))

    yield of
    for name in made:
        postgres.drop_database(name)
