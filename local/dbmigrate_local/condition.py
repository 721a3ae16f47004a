"""What RDS says of something that takes its time: seen under way at least once, then as it has become."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Step:
    """One stretch: what is seen meanwhile, what goes on, and what is to be done when it is over.

    `then` answers the status of afterwards, and may begin another stretch.
    """

    during: str
    work: threading.Thread | None
    then: Callable[[], str]
    looks: int = 0


@dataclass
class Condition:
    """`settles`: the second look waits for the real end, because waits take no time and polls are endless."""

    settles: bool = False
    status: str = "available"
    _step: Step | None = None
    _held: str | None = None
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def begin(
        self,
        during: str,
        work: threading.Thread | None = None,
        then: Callable[[], str] = lambda: "available",
        looks: int = 0,
    ) -> None:
        """Something is under way from now on; `looks` have seen it so already."""
        self.status, self._step = during, Step(during, work, then, looks)

    def hold(self, status: str) -> None:
        """Say this, whatever happens, until `release`."""
        self._held = status

    def release(self) -> None:
        self._held = None

    def look(self) -> str:
        """The status as somebody sees it who asks now."""
        with self._one_at_a_time:
            if self._held is not None:
                return self._held
            if self._step is not None:
                self._go_on(self._step)
            return self.status

    def settle(self) -> str:
        """Wait for the end of what is under way; returns the status."""
        while self._held is None and (step := self._step) is not None:
            if step.work is not None:
                step.work.join()
            self.look()
        return self._held or self.status

    def drop(self) -> None:
        """Wait for the work that is under way, and let it have no consequence."""
        self._held = None
        if (step := self._step) is not None and step.work is not None:
            step.work.join()
        self._step = None

    def _go_on(self, step: Step) -> None:
        step.looks += 1
        if step.looks == 1:
            return
        if step.work is not None and self.settles:
            step.work.join()
        if step.work is None or not step.work.is_alive():
            self._step = None
            self.status = step.then()
