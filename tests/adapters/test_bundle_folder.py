"""A bundle on disk: only its own revisions, only with their own evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.project import Project

from dbmigrate.adapters.bundle_folder import unpack_into
from dbmigrate.adapters.history import History
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import BundleRejected, HistoryRejected
from dbmigrate.domain.evidence import Evidence, RevisionEvidence


def evidence_of(history: History) -> Evidence:
    """What a rehearsal would write, without its measurements."""
    seen = {
        id: RevisionEvidence(
            id, revision.down, revision.file, revision.source_digest, revision.doc, "sha256:0"
        )
        for id, revision in history.revisions.items()
    }
    return Evidence(15, history.order, seen)


def opened(folder: Path, content: bytes) -> tuple[History, Evidence]:
    return unpack_into(folder, content, digest_of(content))


def test_there_and_back(project: Project, tmp_path: Path) -> None:
    history = project.add("a1", None).add("b2", "a1").history()
    content = pack(history.files(), evidence_of(history))
    unpacked, evidence = opened(tmp_path / "out", content)
    assert unpacked.revisions == history.revisions
    assert evidence == evidence_of(history)


def test_an_empty_history(project: Project, tmp_path: Path) -> None:
    history = project.history()
    assert opened(tmp_path / "out", pack(history.files(), evidence_of(history)))[0].order == ()


def test_a_folder_of_revisions_alone(tmp_path: Path) -> None:
    from dbmigrate.adapters.history import load_history

    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "a1.py").write_text('"""Why."""\nrevision = "a1"\ndown_revision = None\n')
    history = load_history(flat)
    unpacked, _ = opened(tmp_path / "out", pack(history.files(), evidence_of(history)))
    assert unpacked.order == ("a1",)


def test_evidence_of_other_revisions_is_refused(project: Project, tmp_path: Path) -> None:
    history = project.add("a1", None).history()
    evidence = evidence_of(history)
    for number, foreign in enumerate(
        (
            Evidence(15, (), {}),
            replace(evidence, revisions={"a1": replace(evidence.revisions["a1"], source_digest="0")}),
            replace(evidence, revisions={"a1": replace(evidence.revisions["a1"], down=("zz",))}),
        )
    ):
        with pytest.raises(BundleRejected, match="was not made from its revisions: a1 differs"):
            opened(tmp_path / str(number), pack(history.files(), foreign))


def test_a_revision_that_does_not_load_is_named(project: Project, tmp_path: Path) -> None:
    evidence = evidence_of(project.add("a1", None).history())
    with pytest.raises(HistoryRejected, match=r"a1\.py, line 1"):
        opened(tmp_path / "out", pack({"versions/a1.py": b"def ("}, evidence))
