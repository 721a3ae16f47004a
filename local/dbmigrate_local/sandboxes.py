"""A function's own modules: loaded once a cold start, put aside while another function runs.

Private are the modules in the function's folder and `dbmigrate.runtime`, which hold caches and read the
environment; the domain, services and adapters hold nothing and are shared.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PRIVATE_PACKAGES = ("dbmigrate.runtime",)
_module_table = threading.RLock()  # sys.modules is one for the whole process
_shared: defaultdict[str, dict[str, ModuleType]] = defaultdict(dict)
"""What was looked at and is nobody's own, by the folder that all functions share: thousands of modules."""


class Sandbox:
    """One function's private modules. Only one sandbox is open at a time in a process."""

    def __init__(self, folder: Path, layers: list[Path]) -> None:
        self._folder = folder.resolve()
        self._beside = str(self._folder.parent)
        self._path = [str(self._folder), *(str(layer) for layer in layers)]
        self._modules: dict[str, ModuleType] = {}

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """The function's modules are the ones that an import finds."""
        with _module_table:
            others = self._take_out()
            sys.modules.update(self._modules)
            bind(self._modules)
            path = list(sys.path)
            sys.path[:0] = [entry for entry in self._path if entry not in path or entry == self._path[0]]
            try:
                yield
            finally:
                sys.path[:] = path
                self._modules = self._take_out()
                sys.modules.update(others)
                bind(others)

    def handler(self, name: str) -> Callable[[Any, Any], Any]:
        """The function behind `module.attribute`; imports it on a cold start."""
        module, _, attribute = name.rpartition(".")
        found: Callable[[Any, Any], Any] = getattr(
            importlib.import_module(module.replace("/", ".")), attribute
        )
        return found

    def _take_out(self) -> dict[str, ModuleType]:
        shared = _shared[self._beside]
        unknown = [
            (name, module) for name, module in list(sys.modules.items()) if shared.get(name) is not module
        ]
        taken = {name: module for name, module in unknown if self._is_private(name, module)}
        shared.update((name, module) for name, module in unknown if name not in taken)
        for name in taken:
            del sys.modules[name]
            unbind(name)
        return taken

    def _is_private(self, name: str, module: ModuleType | None) -> bool:
        if module is None:
            return False
        if name.startswith(PRIVATE_PACKAGES):
            return True
        # another function's module of the same name, `app`, must go as well
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and file.startswith(self._beside)


def bind(modules: dict[str, ModuleType]) -> None:
    """A submodule is also an attribute of its parent, where `from dbmigrate import runtime` finds it."""
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], child, module)


def unbind(name: str) -> None:
    parent, _, child = name.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)
