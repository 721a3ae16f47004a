"""The comment of a pull request: one screen, never too long, and nothing in it is markup by accident."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from tests.cli.reports import CODE, EVIL, evil_report, finding, report
from tests.domain.evidences import plan

from dbmigrate.domain.changelog import ObjectChange
from dbmigrate.domain.errors import RehearsalFailed
from dbmigrate.domain.plan import Step
from dbmigrate_cli.reports.markdown import refusal_markdown, report_markdown
from dbmigrate_cli.reports.safe_markdown import block, code, html, plain

GITHUB_TAKES = 65_536
BLOCKED = """\
<!-- db-migrate -->
### db-migrate: blocked

> [!CAUTION]
> **1 finding must not reach production.**

| | |
| --- | --- |
| Pending | 1 revision, from `base` to `a1` |
| Judged | what main (abc) has not |
| Sizes | those of stats.json |
| Way back | proved, without loss |
| Order | Deploy the schema first. |
| Rehearsed | 1 revision on PostgreSQL 15: up, down and up again |

<details>
<summary><b>block</b> DM104: index built while the application waits, \
<code>public.orders</code> in a1</summary>

**Where** `migrations/versions/a1.py:12`, statement 1

CREATE INDEX takes SHARE on public.orders.

public.orders is read in full

**Who waits** inserts, updates and deletes, for 3 to 40 s

**Write instead**

```python
def upgrade() -> None:
    op.create_index("i", "t", ["id"])
```

</details>

<details>
<summary>Schema diff, 1 object</summary>

```diff
+ index public.i: CREATE INDEX i ON orders (id)
```

</details>

<details>
<summary>Impact: who waits, and for how long</summary>

| revision | statement | table | lock | held |
| --- | ---: | --- | --- | --- |
| `a1` | 1 | `public.orders` | SHARE | 3 to 40 s |

</details>

<details>
<summary>Revisions</summary>

**`a1`** Find orders. (expand, way back proved)

```sql
CREATE INDEX i ON orders (id);
```

</details>
"""


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


def test_a_blocked_pull_request() -> None:
    assert report_markdown(report(finding())) == BLOCKED


def test_a_calm_one_is_short() -> None:
    text = report_markdown(report())
    assert "### db-migrate: passed" in text and "> [!NOTE]\n> **Nothing found.**" in text
    nothing = report_markdown(report(plan=plan(steps=(), start="a1"), diff=()))
    assert "| Pending | nothing at `a1` |" in nothing and "<details>" not in nothing


def test_what_is_let_pass_is_listed_with_its_reason() -> None:
    text = report_markdown(report(finding(suppressed_because="nobody writes at night")))
    assert "> [!NOTE]\n> **1 let pass with a reason.**" in text
    assert "- DM104 in `a1`: nobody writes at night (CREATE INDEX takes SHARE on public.orders.)" in text


def test_findings_of_one_statement_stand_together() -> None:
    text = report_markdown(report(finding(), finding(relation="public.users", message="And users.")))
    assert text.count("<b>block</b>") == 1 and "<code>2 tables</code>" in text and "And users." in text


def test_nothing_from_outside_becomes_markup() -> None:
    page = rendered(report_markdown(evil_report()))
    assert "<script" not in page and "<a " not in page and "<img" not in page
    assert page.count("<details>") == page.count("</details>")
    assert page.count("<!--") == 1 and page.count("<strong>e</strong>") == 0
    text = re.sub(r"<(code|pre)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert "@everyone" not in text and "#1" not in text and "http://b" not in text


def test_a_table_keeps_its_columns() -> None:
    heads, _, *rows = report_markdown(evil_report()).split("| revision |")[1].split("\n\n")[0].splitlines()
    assert rendered("| revision |" + "\n".join([heads, "| --- | ---: | --- | --- | --- |", *rows])).count(
        "<td"
    ) == 5 * len(rows)


@pytest.mark.parametrize(
    "text",
    ["- a", "+ a", "1. a", "10) a", "# a", "> a", "= a", "*a*", "_a_", "__init__", "~~a~~", "`a`", "a\n\nb"],
)
def test_plain_text_is_a_paragraph(text: str) -> None:
    page = rendered(plain(text))
    assert re.fullmatch(r"<p>[^<]*</p>\n", page), page


def test_identifiers_stay_readable() -> None:
    assert plain("public.ix_messages_role (a-b): x") == "public.ix_messages_role (a-b): x"


@pytest.mark.parametrize("text", ["a", "a`b", "``", "`", "", "a|b", "a\nb"])
def test_code_ends_where_it_should(text: str) -> None:
    assert rendered(code(text)).count("<code>") == 1


def test_a_block_is_cut_with_a_sentence() -> None:
    assert block("a\nb") == "```\na\nb\n```"
    assert block("````").startswith("`````\n")
    long = block("\n".join("x" * 10 for _ in range(100)), most=55)
    assert long.endswith("```\n\nCut here: the first 5 lines of 100.")
    assert len(block("x" * 100_000, most=50)) < 110
    assert block("`" * 99) == "```\n…\n```"


def test_a_summary_is_html() -> None:
    assert html("<b>&") == "&lt;b&gt;&amp;"


@pytest.mark.parametrize("character", ["x", "|", "<", "`", "_", "*", "\n"])
def test_it_is_never_too_long(character: str) -> None:
    word = character * 3000
    many = [
        finding(message=f"{word} {number}", relation=f"t{number}", statement=number) for number in range(99)
    ]
    steps = (Step("a1", word, (word,) * 99, (f"+ {word}",) * 99, impact=report().plan.steps[0].impact * 999),)
    whole = plan(steps=steps, losses=(word,) * 99, start=word, deploy_order=word)
    text = report_markdown(
        report(*many, plan=whole, diff=(ObjectChange("+", "table", word),) * 999, judged=word, sized=word)
    )
    assert len(text) < GITHUB_TAKES and text.startswith(BLOCKED[:19])
    assert len(refusal_markdown(RehearsalFailed(word * 99, word * 99))) < GITHUB_TAKES


def test_a_refusal_says_what_to_type() -> None:
    text = refusal_markdown(RehearsalFailed(f"It failed.\n{EVIL}", "mend the revision"))
    assert text.startswith("<!-- db-migrate -->\n### db-migrate: refused\n")
    assert text.endswith("Next: `mend the revision`\n")
    assert "<script" not in rendered(text) and CODE not in text
