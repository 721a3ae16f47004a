"""Where rules put themselves down. A number is never given to another rule."""

from __future__ import annotations

from collections.abc import Callable

from dbmigrate.domain.findings import Check, Rule

RULES: dict[str, Rule] = {}


def rule(id: str, title: str, *, hurts: str, instead: str, once: bool = False) -> Callable[[Check], Check]:
    """Register a check under its number, which must be new."""

    def register(check: Check) -> Check:
        if id in RULES:
            raise ValueError(f"{id} is the number of {RULES[id].title!r}")
        RULES[id] = Rule(id, title, hurts, instead, check, once)
        return check

    return register
