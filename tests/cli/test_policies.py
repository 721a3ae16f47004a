"""The development policy of the command is the template's."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from dbmigrate_cli.policies import DEVELOPMENT

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class Plain(yaml.SafeLoader):
    """CloudFormation's tags are of no interest here."""


Plain.add_multi_constructor("!", lambda loader, suffix, node: None)


def test_developments_policy_is_the_templates_row() -> None:
    row: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Plain)["Mappings"]["Policy"]["development"]
    cells = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower(): value for name, value in row.items()}
    ours = {name: str(value) for name, value in asdict(DEVELOPMENT).items() if name != "environment"}
    assert ours == {name: cells[name] for name in ours}
