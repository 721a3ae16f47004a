"""A bundle is named by its bytes, and holds plain files inside itself or is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable

import pytest
from tests.domain.evidences import DIGEST, history, seen

from dbmigrate.domain import bundle
from dbmigrate.domain.bundle import check_digest_form, digest_of, pack, unpack
from dbmigrate.domain.errors import BundleRejected

FILES = {"versions/a1.py": b"revision = 'a1'", "env.py": b""}
EVIDENCE = history(seen())
EVIDENCE_JSON = json.dumps(EVIDENCE.to_json()).encode()


def archive(fill: Callable[[tarfile.TarFile], None], form: int = tarfile.USTAR_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=form) as tar:
        add(tar, "evidence.json", EVIDENCE_JSON)
        fill(tar)
    return raw.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes = b"x", **header: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in header.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))


def refused(content: bytes, said: str) -> None:
    with pytest.raises(BundleRejected, match=said) as error:
        unpack(content, digest_of(content))
    assert error.value.exit_code == 3


def test_there_and_back() -> None:
    content = pack(FILES, EVIDENCE)
    assert unpack(content, digest_of(content)) == (FILES, EVIDENCE)


def test_the_same_input_makes_the_same_bytes() -> None:
    assert pack(FILES, EVIDENCE) == pack(dict(reversed(FILES.items())), EVIDENCE)
    assert pack(FILES, EVIDENCE)[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", "no time, no machine"
    assert pack({**FILES, "env.py": b"#"}, EVIDENCE) != pack(FILES, EVIDENCE)


def test_one_changed_byte_is_noticed() -> None:
    content = pack(FILES, EVIDENCE)
    for at in (0, len(content) // 2, len(content) - 1):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(BundleRejected, match="it was changed"):
            unpack(changed, digest_of(content))


@pytest.mark.parametrize(
    "digest", ["", "sha256:abc", DIGEST.upper(), DIGEST + "0", DIGEST + "\n", None, 7, "md5:" + "a" * 64]
)
def test_a_digest_has_one_form(digest: object) -> None:
    assert check_digest_form(DIGEST) == DIGEST
    with pytest.raises(BundleRejected, match="no bundle digest"):
        check_digest_form(digest)


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "migrations/../../evil.py", "/etc/passwd", "migrations/./x.py", "migrations//x.py", "..",
     "migrations/a b.py", "migrations/x\ny.py", "migrations/-x", "C:\\x", "migrations/ü.py"],
)  # fmt: skip
def test_a_path_that_leads_outside_is_refused(name: str) -> None:
    refused(archive(lambda tar: add(tar, name), tarfile.PAX_FORMAT), "may lead outside")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.CONTTYPE],
)
def test_what_is_no_plain_file_is_refused(kind: bytes) -> None:
    refused(
        archive(lambda tar: add(tar, "migrations/x.py", b"", type=kind, linkname="/etc/passwd")),
        "no plain file",
    )


def test_a_sparse_file_is_refused_unread() -> None:
    header = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**11)}
    body = b"1\n0\n0\n".ljust(512, b"\0")
    refused(
        archive(lambda tar: add(tar, "migrations/x.py", body, pax_headers=header), tarfile.PAX_FORMAT),
        "no plain file|files, 100000",
    )


def test_a_bomb_is_refused_without_unpacking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(b"\0" * (64 << 20))
    tracemalloc.start()
    refused(bomb, "unpacks to more than 1 MiB")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_FILES", 3)
    refused(archive(lambda tar: [add(tar, f"migrations/{n}.py") for n in range(5)]), "6 files")
    with pytest.raises(BundleRejected, match="keep only what the revisions need"):
        pack({f"{n}.py": b"" for n in range(5)}, EVIDENCE)


def test_a_name_stands_for_one_file() -> None:
    refused(archive(lambda tar: [add(tar, "migrations/x.py"), add(tar, "migrations/x.py")]), "x.py' twice")
    refused(
        archive(lambda tar: [add(tar, "migrations/x"), add(tar, "migrations/x/y.py")]), "migrations/x' twice"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"PK\3\4 a zip", "cannot be read"),
        (gzip.compress(b"no tar" * 200, mtime=0), "cannot be read"),
        (pack(FILES, EVIDENCE)[:-30], "cannot be read"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + b"\xff" * 30, "cannot be read"),
    ],
)
def test_what_is_no_archive_is_refused(content: bytes, said: str) -> None:
    refused(content, said)


def with_evidence(text: bytes) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        add(tar, "evidence.json", text)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "cannot be read"),
        (b'{"format": 99}', "format 99, this version reads 2"),
        (b'{"format": 2, "server_major": 15, "order": ["a"], "revisions": {}}', "order is not that of"),
        (b'{"format": 2, "server_major": 15, "order": ["a"], "revisions": {"a": {"who": 1}}}', "statements"),
    ],
)
def test_unreadable_evidence_is_refused(text: bytes, said: str) -> None:
    refused(with_evidence(text), said)


def test_a_bundle_without_evidence_was_never_rehearsed() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        add(tar, "migrations/x.py")
    refused(raw.getvalue(), "never rehearsed")


def test_nothing_lies_beside_the_migrations() -> None:
    refused(archive(lambda tar: add(tar, "other/x.py")), "'other/x.py', which is outside of migrations/")


@pytest.mark.parametrize("name", ["a b.py", "../x.py", "/x.py", ".hidden.py", "ü.py", "x" * 120 + ".py"])
def test_a_file_that_could_not_be_unpacked_is_not_packed(name: str) -> None:
    with pytest.raises(BundleRejected, match="cannot be packed") as error:
        pack({name: b""}, EVIDENCE)
    assert "rename it" in error.value.hint
