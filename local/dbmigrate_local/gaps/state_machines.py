"""Gap: moto's AWS::StepFunctions::StateMachine never executes, and ignores where its definition lies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.s3.models import s3_backends
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.utils import cfn_to_api_tags

from dbmigrate_local.gaps.patching import replaced

ATTRIBUTES = ("Arn", "Name", "StateMachineRevisionId")


class SubstitutionMissing(ValueError):
    """A definition asks for a substitution that the template does not give."""

    def __init__(self, machine: str, place: str) -> None:
        super().__init__(f"{machine}: the template's DefinitionSubstitutions have no value for {place}.")


@contextlib.contextmanager
def state_machines() -> Iterator[None]:
    """A template's state machine executes, with its definition, substitutions, role and logging."""

    def create(
        cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        properties = cloudformation_json["Properties"]
        name = properties.get("StateMachineName", resource_name)
        return stepfunctions_parser_backends[account_id][region_name].create_state_machine(
            name,
            substituted(
                definition(properties, account_id), properties.get("DefinitionSubstitutions") or {}, name
            ),
            properties.get("RoleArn", ""),
            tags=cfn_to_api_tags(properties.get("Tags", [])),
            loggingConfiguration=lower_camel(properties.get("LoggingConfiguration")),
            tracingConfiguration=lower_camel(properties.get("TracingConfiguration")),
            sm_type=properties.get("StateMachineType"),
        )

    def attribute(self: StateMachine, name: str) -> str:
        return {"Arn": str(self.arn), "Name": str(self.name), "StateMachineRevisionId": "INITIAL"}[name]

    with replaced(
        (StateMachine, "create_from_cloudformation_json", classmethod(create)),
        (StateMachine, "has_cfn_attr", classmethod(lambda cls, attr: attr in ATTRIBUTES)),
        (StateMachine, "get_cfn_attribute", attribute),
    ):
        yield


def definition(properties: dict[str, Any], account_id: str) -> str:
    """The definition's text from where the translated template says it lies."""
    place = properties.get("DefinitionS3Location")
    if place is None:
        return str(properties["DefinitionString"])
    found = s3_backends[account_id]["aws"].get_object(place["Bucket"], place["Key"])
    assert found is not None
    return bytes(found.value).decode()


def substituted(text: str, values: dict[str, Any], machine: str) -> str:
    """Every ${Name} replaced. Raises SubstitutionMissing."""
    for name, value in values.items():
        text = text.replace("${" + name + "}", str(value))
    if "${" in text:
        place = text[text.index("${") :].partition("}")[0] + "}"
        raise SubstitutionMissing(machine, place)
    return text


def lower_camel(value: Any) -> Any:
    """CloudFormation's names in the API's spelling."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lower_camel(item) for key, item in value.items()}
    return [lower_camel(item) for item in value] if isinstance(value, list) else value
