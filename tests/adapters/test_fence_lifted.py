"""What a fence took comes back: the lists of grants to the letter, the rights in effect, the limits."""

from __future__ import annotations

from collections.abc import Iterator

import pg8000
import pytest
from tests.adapters import fencing
from tests.adapters.project import connected
from tests.adapters.servers import own_server

from dbmigrate.adapters.database import Database
from dbmigrate.adapters.fence import Gate
from dbmigrate.domain.catalog import fingerprint
from dbmigrate_local.embedded import EmbeddedPostgres

RECOVERY = "staging-recovery-1"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


@pytest.fixture
def db(server: EmbeddedPostgres) -> Iterator[Database]:
    with fencing.set_up(server) as database:
        yield database


@pytest.fixture
def url(server: EmbeddedPostgres, db: Database) -> str:
    return server.url_for("app")


@pytest.fixture
def gate(db: Database) -> Gate:
    return Gate(db)


def is_refused(url: str, user: str) -> bool:
    try:
        with connected(url, user):
            return False
    except pg8000.Error as error:
        assert "permission denied for database" in str(error)
        return True


GIVEN = [
    "SELECT 1",  # NULL: PostgreSQL's own default
    "REVOKE ALL ON DATABASE app FROM PUBLIC",
    "REVOKE CONNECT ON DATABASE app FROM PUBLIC; GRANT CONNECT ON DATABASE app TO app, guest",
    'GRANT CONNECT ON DATABASE app TO guest WITH GRANT OPTION; CREATE ROLE "we ""ird, =role"; '
    'GRANT CONNECT, TEMP ON DATABASE app TO "we ""ird, =role"; GRANT CREATE ON DATABASE app TO app',
    "ALTER DATABASE app CONNECTION LIMIT 40; GRANT CONNECT ON DATABASE app TO migrator",
    "REVOKE ALL ON DATABASE app FROM owner; GRANT CONNECT ON DATABASE app TO migrator; "
    "GRANT CREATE ON DATABASE app TO owner",
]


@pytest.mark.parametrize("given", GIVEN)
def test_what_was_there_comes_back_exactly(given: str, gate: Gate, db: Database, url: str) -> None:
    with connected(url) as admin:
        admin.run(given)
    before, could, catalog = fencing.grants(url), fencing.rights(url), fingerprint(db.catalog())
    gate.shut(RECOVERY)
    assert fencing.rights(url) != could
    assert gate.lift(RECOVERY) == (["app", "postgres"], [])
    assert fencing.rights(url) == could
    assert fingerprint(db.catalog()) == catalog
    # A list that was never written can only be written out; any other is the same to the letter.
    default = "{=Tc/owner,owner=CTc/owner}"
    written = {
        name: (acl or (default if name in ("app", "postgres") else None), limit)
        for name, (acl, limit) in before.items()
    }
    assert fencing.grants(url) == written
    if "ird" in given:
        with connected(url) as admin:
            admin.run('DROP OWNED BY "we ""ird, =role"')
            admin.run('DROP ROLE "we ""ird, =role"')


def test_a_right_that_was_passed_on_comes_back_from_where_we_may_act(gate: Gate, url: str) -> None:
    """The grantor of such a right is a role of ours, or the note says who grants it now."""
    with connected(url) as admin:
        admin.run("GRANT CONNECT ON DATABASE app TO guest WITH GRANT OPTION")
        admin.run("SET ROLE guest; GRANT CONNECT ON DATABASE app TO app")
    could = fencing.rights(url)
    gate.shut(RECOVERY)
    assert is_refused(url, "app") and is_refused(url, "guest")
    _, notes = gate.lift(RECOVERY)
    assert notes == ["app=c/guest on app was granted by guest, and is now by owner."]
    assert fencing.rights(url) == could


def test_a_role_that_went_meanwhile_is_told(gate: Gate, url: str) -> None:
    with connected(url) as admin:
        admin.run("CREATE ROLE brief LOGIN; GRANT CONNECT ON DATABASE app TO brief")
        gate.shut(RECOVERY)
        admin.run("DROP ROLE brief")
    _, (note,) = gate.lift(RECOVERY)
    assert note == "brief=c/owner on app is not granted again: the role is gone."
    assert not is_refused(url, "app")
