"""What an event must look like: checked once at the door, so that nothing behind it meets a missing key."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from dbmigrate.domain.errors import BadRequest

# A key maps to its type, to several types (with NoneType the key may be absent) or to a nested shape.
Shape = Mapping[str, Any]
OPTIONAL_TEXT = (str, NoneType)
OPTIONAL_OBJECT = (dict, NoneType)

# The slim plan, as validate hands it to every later state.
PLAN: Shape = {
    "digest": str,
    "bundle": str,
    "environment": str,
    "direction": str,
    "from": str,
    "to": str,
    "pending": list,
    "total": (int, float),
    "reversible": bool,
    "losses": list,
    "predicted_seconds": (int, float),
    "code": str,
    "requested_by": str,
}

WORDS = {
    str: "text",
    dict: "an object",
    list: "a list",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def check_shape(verb: str, event: Any, shape: Shape, path: str = "") -> None:
    """Raise BadRequest, naming the function and the key, unless the event has these keys with these types."""
    if not isinstance(event, Mapping):
        raise BadRequest(f"{verb}: {path or 'the event'} must be an object, not {type(event).__name__}.")
    for key, wanted in shape.items():
        _check_key(verb, event, key, wanted, f"{path}.{key}" if path else key)


def _check_key(verb: str, event: Mapping[str, Any], key: str, wanted: Any, path: str) -> None:
    if isinstance(wanted, Mapping):
        check_shape(verb, _present(verb, event, key, path), wanted, path)
        return
    types = wanted if isinstance(wanted, tuple) else (wanted,)
    if NoneType in types and event.get(key) is None:
        return
    value = _present(verb, event, key, path)
    # A bool is an int to Python, but no number to the person who wrote the event.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        words = " or ".join(WORDS[kind] for kind in types if kind is not NoneType)
        raise BadRequest(f"{verb}: '{path}' must be {words}, not {type(value).__name__}.")


def _present(verb: str, event: Mapping[str, Any], key: str, path: str) -> Any:
    if key not in event:
        raise BadRequest(f"{verb}: the event has no '{path}'.")
    return event[key]
