"""Gap in speed: moto reads every template as YAML in pure Python; a translated one is JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from moto.cloudformation.models import Stack

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def template_text() -> Iterator[None]:
    """JSON is read as JSON."""
    original = Stack.parse_template

    def parse(template: str) -> dict[str, Any]:
        try:
            return dict(json.loads(template))
        except ValueError:
            return dict(original(template))

    with replaced((Stack, "parse_template", staticmethod(parse))):
        yield
