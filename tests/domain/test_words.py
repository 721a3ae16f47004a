"""What people are told to type, as they have to type it."""

from __future__ import annotations

import pytest

from dbmigrate.domain.words import in_environment


@pytest.mark.parametrize(
    ("hint", "typed"),
    [
        ("db-migrate status", "db-migrate --environment staging status"),
        ("look, then: db-migrate deploy", "look, then: db-migrate --environment staging deploy"),
        ("db-migrate create 'undo it'", "db-migrate create 'undo it'"),
        ("db-migrate --environment production recover", "db-migrate --environment production recover"),
        ("pip install db-migrate", "pip install db-migrate"),
    ],
)
def test_a_command_of_an_environment_names_it(hint: str, typed: str) -> None:
    assert in_environment(hint, "staging") == typed
    assert in_environment(hint, "development") == in_environment(hint, "") == hint
