"""Which relations and objects are ours: the conditions of every query over the catalogs."""

from __future__ import annotations

from dbmigrate.adapters.catalog.parts import OF_CLASS, OF_TYPE, OURS

__all__ = ["OF_CLASS", "OF_TYPE", "OURS"]
