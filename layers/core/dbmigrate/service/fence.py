"""Fence: shut the application out of the instance, let it in again, or open the copy that took its place."""

from __future__ import annotations

from typing import Any, Protocol

from dbmigrate.domain.errors import BadRequest, WrongInstance
from dbmigrate.service.ports import RecoveryLog

AFTER_SWAP = "The swap has begun: the old instance is fenced, and what bears its name is not touched."


class Gate(Protocol):
    """Who may connect to an instance; see dbmigrate.adapters.fence."""

    def is_marked(self, recovery: str) -> bool: ...
    def shut(self, recovery: str) -> tuple[list[str], int, list[str]]: ...
    def lift(self, recovery: str) -> tuple[list[str], list[str]]: ...
    def open(self, recovery: str) -> tuple[list[str], list[str]]: ...


def fence(recovery: str, wish: str, gate: Gate, log: RecoveryLog, now: float) -> dict[str, Any]:
    """Do what is wished and keep it in the recovery's record: fence, unfence or open, each as often as one
    likes. Answers status, the databases ``changed``, how many sessions were ``ended``, and notes.

    Raises BadRequest for another wish, and what dbmigrate.adapters.fence.Gate raises.
    """
    if wish == "fence":
        return _fence(recovery, gate, log, now)
    if wish == "unfence":
        _give_up(recovery, log, now)
        changed, notes = gate.lift(recovery)
        return _kept(recovery, log, now, "abandoned", _answer("unfenced", changed, notes))
    if wish == "open":
        changed, notes = gate.open(recovery)
        return _kept(recovery, log, now, "opened", _answer("opened", changed, notes))
    raise BadRequest(f"'{wish}' is nothing that a fence can do: fence, unfence, open.")


def _fence(recovery: str, gate: Gate, log: RecoveryLog, now: float) -> dict[str, Any]:
    """A recovery that is resumed behind its swap comes by here, too, and must not shut the new instance."""
    known = log.get(recovery)
    # The record first: in the middle of a swap nothing answers under the old name.
    if known and known.behind_swap or gate.is_marked(recovery):
        return _answer("fenced", [], [AFTER_SWAP])
    changed, ended, notes = gate.shut(recovery)
    return _kept(recovery, log, now, "fenced", _answer("fenced", changed, notes, ended))


def _give_up(recovery: str, log: RecoveryLog, now: float) -> None:
    """The old instance answers under its name until the first rename has ended: let in there, the application
    would write what the swap leaves behind. The record first, so that no swap begins behind us."""
    known = log.get(recovery)
    if known and log.put(known.reached("abandoned", now)).behind_swap:
        raise WrongInstance(
            f"{recovery} is behind the beginning of its swap: the old instance stays shut.",
            f"db-migrate recover --resume {recovery}",
        )


def _answer(status: str, changed: list[str], notes: list[str], ended: int = 0) -> dict[str, Any]:
    return {"status": status, "changed": changed, "ended": ended, "notes": notes}


def _kept(recovery: str, log: RecoveryLog, now: float, phase: str, answer: dict[str, Any]) -> dict[str, Any]:
    known = log.get(recovery)
    if known:
        log.put(known.reached(phase, now, fence=answer))
    return answer
