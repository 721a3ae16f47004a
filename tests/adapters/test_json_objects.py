"""Documents in a bucket that two change at once: neither loses what the other has written."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dbmigrate.adapters.json_objects import TRIES, Document, JsonObjects


@pytest.fixture
def objects(s3: Any) -> JsonObjects:
    return JsonObjects(s3, "bundles")


def test_there_and_back(objects: JsonObjects) -> None:
    assert objects.get("a.json") is None
    objects.put("a.json", {"who": "Zoë"})
    assert objects.get("a.json") == {"who": "Zoë"}


@pytest.mark.parametrize("there", [None, {"rows": [1]}])
def test_what_somebody_else_wrote_meanwhile_is_kept(objects: JsonObjects, there: Document | None) -> None:
    if there:
        objects.put("a.json", there)
    seen: list[Any] = []

    def add(found: Document | None) -> Document:
        seen.append(found)
        if len(seen) == 1:
            objects.put("a.json", {"rows": [*(found or {"rows": []})["rows"], 2]})
        return {"rows": [*(found or {"rows": []})["rows"], 3]}

    kept = objects.change("a.json", add)
    assert kept == objects.get("a.json") == {"rows": [*(there or {"rows": []})["rows"], 2, 3]}
    assert len(seen) == 2


def test_whoever_never_comes_first_is_told(objects: JsonObjects) -> None:
    numbers = iter(range(100))

    def overtaken(found: Document | None) -> Document:
        objects.put("a.json", {"number": next(numbers)})
        return {}

    with pytest.raises(ClientError, match="PreconditionFailed"):
        objects.change("a.json", overtaken)
    assert objects.get("a.json") == {"number": TRIES - 1}
