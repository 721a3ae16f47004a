"""Values as they travel: only what JSON can say, times in ISO form."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any


def plain(value: Any) -> Any:
    """A deep copy of plain JSON values."""
    return json.loads(dumped(value))


def dumped(value: Any) -> str:
    """JSON text; times become ISO 8601 in UTC."""
    return json.dumps(value, default=_text)


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
