"""A template's Rules: refused before anything is created, as CloudFormation does and moto does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RuleBroken(ValueError):
    """The parameters break a rule of the template; the message is the template's own."""

    def __init__(self, rule: str, description: str) -> None:
        super().__init__(f"The template refuses these parameters (rule {rule}): {description}")


def check_rules(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raises RuleBroken for the first assertion that does not hold."""
    values = {name: slot.get("Default", "") for name, slot in template.get("Parameters", {}).items()}
    values |= parameters
    for name, rule in (template.get("Rules") or {}).items():
        if "RuleCondition" in rule and not value_of(rule["RuleCondition"], values):
            continue
        for assertion in rule["Assertions"]:
            if not value_of(assertion["Assert"], values):
                raise RuleBroken(name, assertion.get("AssertDescription", "no description"))


def value_of(expression: Any, values: Mapping[str, Any]) -> Any:
    """The value of a rule-specific intrinsic function."""
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return expression
    ((function, operand),) = expression.items()
    if function == "Ref":
        return values[operand]
    operands = [value_of(item, values) for item in operand]
    match function:
        case "Fn::Equals":
            return str(operands[0]) == str(operands[1])
        case "Fn::Not":
            return not operands[0]
        case "Fn::And":
            return all(operands)
        case "Fn::Or":
            return any(operands)
        case "Fn::Contains":
            return operands[1] in operands[0]
    raise ValueError(f"A template's rule uses {function}, which the local AWS does not know.")
