"""The stats file: how large the live tables are, for whoever cannot ask the live database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dbmigrate.domain.costs import Model
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.standing import Standing

SERVER = "server"
TABLE_KEYS = ("rows", "bytes", "index_bytes")
SERVER_KEYS = ("major", "free_bytes", "model")
WRITE_ONE = "write it anew: db-migrate sizes > stats.json"


@dataclass(frozen=True)
class Stats:
    """Sizes by table, and what is known of the server: its major version, its free storage in bytes, and how
    fast it is."""

    sizes: Mapping[str, Size] = field(default_factory=dict)
    major: int | None = None
    free_bytes: int | None = None
    model: Model | None = None

    def to_json(self) -> dict[str, Any]:
        """The file: tables by their full names, and "server", which no table can be called."""
        server = {"major": self.major, "free_bytes": self.free_bytes}
        known: dict[str, Any] = {key: value for key, value in server.items() if value is not None}
        if self.model is not None:
            known["model"] = self.model.to_json()
        tables = {
            name: {"rows": size.rows, "bytes": size.bytes, "index_bytes": size.index_bytes}
            for name, size in sorted(self.sizes.items())
        }
        return {**tables, **({SERVER: known} if known else {})}

    @classmethod
    def from_json(cls, values: Any, where: str) -> Stats:
        """The stats of a file's JSON. Raises BadRequest, which names the file, the table and the key."""
        _check(isinstance(values, Mapping), f"{where} must hold an object of tables")
        server = values.get(SERVER, {})
        _check_keys(server, SERVER_KEYS, f"{where}, {SERVER}")
        tables = {name: what for name, what in values.items() if name != SERVER}
        return cls(
            {name: _size(what, name, where) for name, what in tables.items()},
            _number(server, "major", f"{where}, {SERVER}"),
            _number(server, "free_bytes", f"{where}, {SERVER}"),
            _model(server.get("model"), f"{where}, {SERVER}"),
        )

    def in_place_of(self, standing: Standing) -> Standing:
        """A standing as it would be with these tables on this server."""
        return replace(
            standing,
            sizes=self.sizes,
            model=self.model or standing.model,
            free_bytes=standing.free_bytes if self.free_bytes is None else self.free_bytes,
            server_major=self.major or standing.server_major,
        )


def _size(values: Any, name: str, where: str) -> Size:
    _check("." in name, f"{where}: '{name}' has no schema; write it as in public.{name}")
    place = f"{where}, {name}"
    _check_keys(values, TABLE_KEYS, place)
    rows, all_bytes, index_bytes = (_number(values, key, place) for key in TABLE_KEYS)
    if rows is None or all_bytes is None:
        raise BadRequest(f"{place}: '{'bytes' if rows is not None else 'rows'}' is missing.", WRITE_ONE)
    _check((index_bytes or 0) <= all_bytes, f"{place}: 'index_bytes' is more than 'bytes', which counts them")
    return Size(rows, all_bytes, index_bytes or 0)


def _model(values: Any, where: str) -> Model | None:
    if values is None:
        return None
    _check(isinstance(values, Mapping), f"{where}: 'model' must be an object, not {values!r}")
    try:
        return Model.from_json(values)
    except ValueError as error:
        raise BadRequest(f"{where}, model: {error}.", WRITE_ONE) from error


def _check_keys(values: Any, known: tuple[str, ...], place: str) -> None:
    _check(isinstance(values, Mapping), f"{place} must be an object, not {values!r}")
    for key in values:
        _check(key in known, f"{place}: '{key}' is none of {', '.join(known)}")


def _number(values: Mapping[str, Any], key: str, place: str) -> int | None:
    value = values.get(key)
    if value is None:
        return None
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 >= 0
    _check(whole, f"{place}: '{key}' must be a whole number of 0 or more, not {value!r}")
    return int(value)


def _check(true: bool, otherwise: str) -> None:
    if not true:
        raise BadRequest(f"{otherwise}.", WRITE_ONE)
