"""The layer's makings: compiled as Lambda needs it, with certificates that verify."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

from tests.template.template import ROOT

LAYER = ROOT / "layers/core"
RUNTIME = "{}.{}".format(*sys.version_info)
UNCHECKED_HASH = 1


def compiled(site: Path, runtime: str, path: str) -> subprocess.CompletedProcess[str]:
    (site / "module.py").write_text("answer = 42\n")
    environment = {"PATH": path, "HOME": str(site)}
    return subprocess.run(
        ["sh", LAYER / "compile.sh", site, runtime],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def test_what_is_shipped_is_compiled_and_never_checked_again(tmp_path: Path) -> None:
    binaries = str(Path(sys.executable).parent)
    done = compiled(tmp_path, RUNTIME, f"{binaries}{os.pathsep}{os.defpath}")
    (made,) = tmp_path.glob("__pycache__/module.*.pyc")
    assert int.from_bytes(made.read_bytes()[4:8], "little") == UNCHECKED_HASH and done.stderr == ""


def test_without_the_runtime_it_says_what_is_missing_and_ships_the_sources(tmp_path: Path) -> None:
    done = compiled(tmp_path, "3.99", os.defpath)
    assert "no Python 3.99 found" in done.stderr and "build again" in done.stderr
    assert not list(tmp_path.glob("__pycache__"))


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "bin/python3.99"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    done = compiled(tmp_path, "3.99", f"{shim.parent}{os.pathsep}{os.defpath}")
    assert "no Python 3.99 found" in done.stderr


def test_the_certificates_of_rds_are_readable_roots() -> None:
    context = ssl.create_default_context(cafile=LAYER / "certificates/rds-global-bundle.pem")
    roots = context.get_ca_certs()
    assert len(roots) > 100 and "Amazon RDS" in str(roots)
