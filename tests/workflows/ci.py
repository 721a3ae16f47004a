"""The CI files as data: jobs, steps, what they run, and the commands in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GITLAB = ROOT / "docs/gitlab-ci.yml"
GITLABS_OWN = {"workflow", "stages", "default", "variables"}
LISTS_OF_COMMANDS = ("before_script", "script", "after_script")


def loaded(path: Path) -> dict[Any, Any]:
    """A file's content. YAML 1.1 reads GitHub's key `on` as true: ``triggers`` knows."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text())
    return content


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = workflow[True]
    return found


@dataclass(frozen=True)
class Job:
    """``runs`` holds a shell text for each step or script line."""

    file: str
    name: str
    content: dict[str, Any]
    runs: list[str]

    @property
    def steps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.content.get("steps", [])
        return found

    @property
    def label(self) -> str:
        return f"{self.file}:{self.name}"


def github_jobs() -> list[Job]:
    return [
        Job(path.name, name, job, [step["run"] for step in job.get("steps", ()) if "run" in step])
        for path in WORKFLOWS
        for name, job in loaded(path)["jobs"].items()
    ]


def gitlab_jobs() -> list[Job]:
    content = loaded(GITLAB)
    return [
        Job(GITLAB.name, name, job, [line for key in LISTS_OF_COMMANDS for line in job.get(key, ())])
        for name, job in content.items()
        if name not in GITLABS_OWN
    ]


def all_jobs() -> list[Job]:
    return [*github_jobs(), *gitlab_jobs()]


def job(file: str, name: str) -> Job:
    return next(job for job in all_jobs() if (job.file, job.name) == (file, name))


def commands(shell: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a shell text."""
    for call in re.finditer(rf"(?:^|&&|\|\||;)[ \t]*{re.escape(program)}[ \t]+([^\n;|&>]*)", shell, re.M):
        yield shlex.split(call[1])


def given_variables() -> set[str]:
    """The variables of our own that the files set."""
    texts = [path.read_text() for path in (*WORKFLOWS, GITLAB)]
    return {name for text in texts for name in re.findall(r"\bDB_MIGRATE_\w+", text)}
