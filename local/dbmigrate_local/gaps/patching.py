"""How the gaps are closed: attributes replaced for as long as a stand-in lives, then put back."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch


@contextlib.contextmanager
def replaced(*replacements: tuple[Any, str, Any]) -> Iterator[None]:
    """Replace (owner, attribute, value) triples until the block ends."""
    with contextlib.ExitStack() as stack:
        for owner, name, value in replacements:
            stack.enter_context(patch.object(owner, name, value))
        yield


@contextlib.contextmanager
def replaced_wherever_imported(package: str, name: str, original: Any, value: Any) -> Iterator[None]:
    """Replace a function in every module of a package that imported it by name."""
    users = [
        module
        for module in list(sys.modules.values())
        if getattr(module, "__name__", "").startswith(package) and vars(module).get(name) is original
    ]
    with replaced(*((module, name, value) for module in users)):
        yield


def same_signature(function: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """moto reads signatures to spread a request's parameters."""
    function.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return function
