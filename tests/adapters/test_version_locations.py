"""Histories in several folders, as version_locations of a project's alembic.ini names them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.adapters.test_any_project import write

from dbmigrate.adapters.bundle_folder import unpack_into
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import HistoryRejected, Misconfigured
from dbmigrate.service.deploy_directly import deploy_directly
from dbmigrate_cli.merge_base import merge_base
from dbmigrate_cli.revision_file import write_revision

INI = """
[alembic]
script_location = {location}
{separator}
version_locations = {versions}
"""


def project(root: Path, versions: str, separator: str = "", location: str = "migrations") -> Path:
    """Core revisions below the script location, billing ones beside it; the folder is the script location."""
    write(root / "migrations" / "versions", "a1")
    write(root / "billing" / "versions", "b2", "a1", up='op.execute("CREATE TABLE bills (id int)")')
    (root / "alembic.ini").write_text(INI.format(location=location, separator=separator, versions=versions))
    return root / "migrations"


@pytest.mark.parametrize(
    ("versions", "separator"),
    [
        ("%(here)s/migrations/versions:%(here)s/billing/versions", "path_separator = os"),
        ("migrations/versions;billing/versions", "version_path_separator = ;"),
        ("\n    migrations/versions\n    billing/versions", "path_separator = newline"),
        ("migrations/versions billing/versions", ""),
        ("migrations/versions, billing/versions", ""),
        ("migrations/versions, absent, billing/versions", ""),
        ("billing", "recursive_version_locations = true"),
    ],
)
def test_every_form_of_version_locations(tmp_path: Path, versions: str, separator: str) -> None:
    folder = project(tmp_path, versions, separator)
    if versions == "billing":
        (tmp_path / "migrations" / "versions" / "a1.py").rename(tmp_path / "billing" / "a1.py")
    history = load_history(folder)
    assert history.order == ("a1", "b2")
    assert history.revisions["b2"].file == "../billing/versions/b2.py"


def test_the_settings_may_lie_further_above(tmp_path: Path) -> None:
    project(tmp_path / "app", "app/migrations/versions app/billing/versions", location="app/migrations")
    (tmp_path / "app" / "alembic.ini").rename(tmp_path / "alembic.ini")
    assert load_history(tmp_path / "app" / "migrations").order == ("a1", "b2")


def test_pyproject_names_them_too(tmp_path: Path) -> None:
    folder = project(tmp_path, "")
    (tmp_path / "alembic.ini").unlink()
    places = '["%(here)s/migrations/versions", "%(here)s/billing/versions"]'
    text = f'[tool.alembic]\nscript_location = "%(here)s/migrations"\nversion_locations = {places}\n'
    (tmp_path / "pyproject.toml").write_text(text)
    assert load_history(folder).order == ("a1", "b2")


def test_folders_of_a_package(tmp_path: Path) -> None:
    versions = "shop.db:migrations/versions shop.db:billing/versions"
    folder = project(tmp_path / "src/shop/db", versions, location="shop.db:migrations")
    (tmp_path / "src/shop/db/alembic.ini").rename(tmp_path / "alembic.ini")
    assert load_history(folder).order == ("a1", "b2")


def test_settings_of_another_script_location_count_not(tmp_path: Path) -> None:
    folder = project(tmp_path, "migrations/versions billing/versions", location="elsewhere")
    assert load_history(folder).order == ("a1",)


@pytest.mark.parametrize("unreadable", ["no section\n", "[alembic]\nscript_location = %(nothing)s\n", "\xff"])
def test_a_file_that_alembic_cannot_read_is_not_alembics(tmp_path: Path, unreadable: str) -> None:
    folder = project(tmp_path, "")
    (tmp_path / "alembic.ini").write_text(unreadable, encoding="latin-1")
    assert load_history(folder).order == ("a1",)


@pytest.mark.parametrize(
    ("versions", "separator", "said"),
    [
        ("migrations/versions /elsewhere", "", "outside of"),
        ("nowhere, neither", "", "none is there"),
        ("migrations/versions", "path_separator = comma", "comma"),
        ("%(nowhere)s/versions", "", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, versions: str, separator: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        load_history(project(tmp_path, versions, separator))


def test_a_broken_file_of_another_folder_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path, "migrations/versions billing/versions")
    write(tmp_path / "billing" / "versions", "c3", "nowhere")
    with pytest.raises(HistoryRejected, match=r"Look at .*c3\.py"):
        load_history(folder)
    write(tmp_path / "billing" / "versions", "c3", "b2", up="pass\n\n\nraise KeyError('x')")
    with pytest.raises(HistoryRejected, match=r"c3\.py, line \d+, cannot be loaded"):
        load_history(folder)


def test_the_bundle_holds_every_folder_and_is_the_same_anywhere(tmp_path: Path, database: str) -> None:
    target, packed = target_from_url(database), []
    for place in ("here", "there"):
        folder = project(tmp_path / place, "migrations/versions billing/versions")
        (tmp_path / place / "billing" / "versions" / "bills.sql").write_text("SELECT 1")
        history = load_history(folder)
        if not packed:
            evidence = rehearse(history, target)
        packed.append(pack(history.files(), evidence))
    assert packed[0] == packed[1]
    unpacked, _ = unpack_into(tmp_path / "out", packed[0], digest_of(packed[0]))
    assert unpacked.order == ("a1", "b2")
    assert unpacked.paths["b2"].with_name("bills.sql").read_text() == "SELECT 1"
    assert pack(unpacked.files(), evidence) == packed[0]


def test_they_run(tmp_path: Path, database: str) -> None:
    folder = project(tmp_path, "migrations/versions billing/versions")
    deploy_directly("r1", load_history(folder), Database(target_from_url(database), "development"), "me")


def test_a_new_revision_lies_beside_the_one_it_follows(tmp_path: Path) -> None:
    folder = project(tmp_path, "migrations/versions billing/versions")
    (folder / "script.py.mako").write_text(
        "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n"
    )
    made = write_revision(load_history(folder), "more bills")
    assert made is not None and made.parent == tmp_path / "billing" / "versions"
    assert len(load_history(folder).order) == 3


def test_the_first_revision_lies_in_the_first_folder(tmp_path: Path) -> None:
    folder = project(tmp_path, "billing/versions migrations/versions")
    for path in (folder / "versions" / "a1.py", tmp_path / "billing" / "versions" / "b2.py"):
        path.unlink()
    (folder / "script.py.mako").write_text("revision = ${repr(up_revision)}\ndown_revision = None\n")
    made = write_revision(load_history(folder), "first")
    assert made is not None and made.parent == tmp_path / "billing" / "versions"


def test_a_deleted_file_of_another_folder_is_missed(tmp_path: Path) -> None:
    folder = project(tmp_path, "migrations/versions billing/versions")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "all"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    (tmp_path / "billing" / "versions" / "b2.py").unlink()
    history = load_history(folder)
    base = merge_base(history, "main")
    assert base is not None
    assert [found.rule for found in base.rewritten(history)] == ["history/deleted"]
