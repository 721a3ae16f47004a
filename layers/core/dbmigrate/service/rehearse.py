"""Rehearse: upgrade the copy of a drill with a bundle, one revision an invocation, and measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from dbmigrate.domain.drill import Held, rehearsed, run_of
from dbmigrate.domain.errors import UnknownRevision, WorkContinues
from dbmigrate.domain.standing import label
from dbmigrate.service.checks import check_history
from dbmigrate.service.drills import DrillLog
from dbmigrate.service.ports import Database, History, OpenBundle
from dbmigrate.service.verify import verify


class Copy(Database, Protocol):
    """The copy's database, which bears the mark of its drill."""

    def adopt(self, drill: str) -> None: ...
    def size(self) -> int: ...


class Watch(Protocol):
    """The locks on the copy while somebody works there."""

    def watching(self) -> AbstractContextManager[Any]: ...
    def held(self) -> list[Held]: ...


@dataclass(frozen=True)
class Ports:
    """Everything that a rehearsal touches. ``now`` is epoch seconds."""

    copy: Copy
    open_bundle: OpenBundle
    watch: Callable[[], Watch]
    log: DrillLog
    now: Callable[[], float]


def rehearse(drill: str, bundles: Sequence[str], before: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Run the next revision on the copy and say how far the bundle is: status none when nothing is pending,
    applied, done, or working, when the same call goes on after ``wait`` seconds.

    ``before`` is the answer before it. Raises WrongInstance unless the copy bears the drill's mark, and what
    an upgrade raises.
    """
    ports.copy.adopt(drill)
    chosen = before if before.get("bundle") else _begin(drill, bundles, ports)
    if chosen is None:
        return {"status": "none", "completed": 0, "total": 0}
    history, _ = ports.open_bundle(chosen["bundle"])
    todo = history.pending(ports.copy.current())
    if not todo:
        return _answer(chosen, todo, "done")
    return _run(drill, chosen, before, todo, history, ports)


def _begin(drill: str, bundles: Sequence[str], ports: Ports) -> dict[str, Any] | None:
    """Choose, and keep it: a revision that fails leaves no answer, and people want to know of which bundle
    it was."""
    known = {**(ports.log.get(drill) or {}), "bytes": ports.copy.size()}
    ports.log.put(drill, known)
    chosen = choose(bundles, ports)
    if chosen is not None:
        ports.log.put(drill, {"rehearsal": {**_about(chosen), "revisions": []}, **known})
    return chosen


def choose(bundles: Sequence[str], ports: Ports) -> dict[str, Any] | None:
    """The first of the bundles that knows where the copy stands and has more; one that was edited since is
    refused as it would be in a run. Raises EditedRevision or HistoryRejected."""
    standing = ports.copy.look()
    for bundle in bundles:
        history, _ = ports.open_bundle(bundle)
        try:
            pending = history.pending(standing.current)
        except UnknownRevision:
            if len(bundles) == 1:
                raise
            continue
        if pending:
            check_history(history, standing)
            start = label(standing.current)
            return {"bundle": bundle, "from": start, "to": history.head, "total": len(pending)}
    return None


def _run(
    drill: str,
    chosen: Mapping[str, Any],
    before: Mapping[str, Any],
    todo: Sequence[str],
    history: History,
    ports: Ports,
) -> dict[str, Any]:
    goes_on = before.get("status") == "working" and before.get("revision") == todo[0]
    began = before["began_at"] if goes_on else ports.now()
    ran: list[tuple[str, float, int]] = []
    facts = {"bundle": chosen["bundle"], "plan": "", "direction": "upgrade", "requested_by": drill}
    answer = {**_answer(chosen, todo, "working"), "revision": todo[0], "began_at": began}
    watch = ports.watch()
    try:
        with watch.watching():
            ports.copy.move(
                history, todo[:1], "upgrade", run_of(drill), facts, lambda *facts: ran.append(facts)
            )
        seconds = ports.now() - began if goes_on else ran[0][1]
        status = "applied" if todo[1:] else "done"
        answer = {**_answer(chosen, todo[1:], status), "revision": todo[0], "seconds": round(seconds, 3)}
    except WorkContinues as work:
        seconds = ports.now() - began
        answer |= {"wait": work.wait, "work": work.progress.to_json()}
    _note(drill, chosen, todo[0], seconds, ran[0][2] if ran else 0, watch.held(), ports.log)
    return answer


def _note(
    drill: str,
    chosen: Mapping[str, Any],
    revision: str,
    seconds: float,
    waits: int,
    locks: Sequence[Held],
    log: DrillLog,
) -> None:
    """Into the drill's record, and not into what travels: many revisions hold many locks."""
    known = log.get(drill) or {}
    measured = rehearsed((known.get("rehearsal") or {}).get("revisions", ()), revision, seconds, waits, locks)
    log.put(drill, {**known, "rehearsal": {**_about(chosen), "revisions": measured}})


def _answer(chosen: Mapping[str, Any], left: Sequence[str], status: str) -> dict[str, Any]:
    return {**_about(chosen), "status": status, "completed": chosen["total"] - len(left)}


def _about(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: chosen[key] for key in ("bundle", "from", "to", "total")}


def verify_rehearsal(drill: str, rehearsal: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Whether the upgraded copy is what the evidence says. Raises VerificationFailed or WrongInstance."""
    ports.copy.adopt(drill)
    plan = {**rehearsal, "direction": "upgrade"}
    return verify(plan, "upgrade", ports.copy, ports.open_bundle)
