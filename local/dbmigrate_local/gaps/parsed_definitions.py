"""Gap in speed: moto parses a definition thrice to deploy it and again for every execution, which costs more
than the rest of both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from dbmigrate_local.gaps.patching import replaced

KEPT = 16
"""Definitions; a deployment has three."""
parsed = lru_cache(KEPT)(AmazonStateLanguageParser.parse)


@contextlib.contextmanager
def parsed_definitions() -> Iterator[None]:
    """Parse each definition once a process. What runs keeps its state in the execution, none in itself."""
    with replaced((AmazonStateLanguageParser, "parse", staticmethod(parsed))):
        yield
