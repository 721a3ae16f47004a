"""Gap in speed: moto parses a definition thrice to deploy it and again for every execution, which costs more
than the rest of both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from dbmigrate_local.gaps.patching import replaced

KEPT = 16
"""Definitions; a deployment has three."""
_parse = AmazonStateLanguageParser.parse


@lru_cache(KEPT)
def tree_of(definition: str) -> Any:
    """The syntax tree, which nobody changes. Raises ASLParserException, each time anew."""
    return _parse(definition)[1]


@contextlib.contextmanager
def parsed_definitions() -> Iterator[None]:
    """Parse each definition once a process; what runs is made anew from its tree, because it holds state."""

    def parse(definition: str) -> tuple[Any, Any]:
        tree = tree_of(definition)
        return Preprocessor().visit(tree), tree

    with replaced((AmazonStateLanguageParser, "parse", staticmethod(parse))):
        yield
