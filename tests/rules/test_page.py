"""docs/rules.md is what the rules and their cases say."""

from __future__ import annotations

from tests.rules.render import PAGE, page


def test_the_page_is_that_of_the_rules() -> None:
    assert PAGE.read_text() == page(), "render it anew: make docs"
