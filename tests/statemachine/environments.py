"""In which environments a test runs: a decorator for each set."""

from __future__ import annotations

import pytest


def only(*environments: str) -> pytest.MarkDecorator:
    """These environments; "production+broken-glass" is production whose stack allows a force, and
    "staging+recovery" staging whose stack recovers by itself."""
    return pytest.mark.parametrize("machine", environments, indirect=True)


everywhere = only("development", "staging", "production")
careful = only("staging", "production")
