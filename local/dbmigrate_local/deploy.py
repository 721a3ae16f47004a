"""Deploys the real template here: package, translate, create the stack."""

from __future__ import annotations

import copy
import functools
import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.yaml_helper import intrinsics_multi_constructor

from dbmigrate_local.account import REGION
from dbmigrate_local.lambda_runtime import FunctionCode
from dbmigrate_local.template_rules import check_rules

ARTIFACTS = "local-artifacts"
MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "service-role/AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole": "service-role/AWSLambdaVPCAccessExecutionRole",
    "AWSXRayDaemonWriteAccess": "AWSXRayDaemonWriteAccess",
}


class DeploymentFailed(Exception):
    """The stack could not be created."""


@dataclass(frozen=True)
class Deployment:
    """A created stack. `codes` goes by function name; `template` is as written, `translated` as created."""

    stack: str
    outputs: dict[str, str]
    resources: dict[str, str]
    codes: dict[str, FunctionCode]
    template: dict[str, Any] = field(repr=False)
    translated: dict[str, Any] = field(repr=False)


def read_template(template: Path) -> dict[str, Any]:
    """The template as written, CloudFormation's short tags understood."""
    return copy.deepcopy(parsed(template.read_text()))


class ShortTags(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML with !Ref, !Sub and their like; in C where it can be, ten times as fast."""


ShortTags.add_multi_constructor("!", intrinsics_multi_constructor)


@functools.lru_cache(maxsize=8)
def parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(text, Loader=ShortTags)
    return found


def deploy(template: Path, parameters: Mapping[str, str], stack: str, client: Any) -> Deployment:
    """Create the stack with clients of the administrator. Raises RuleBroken, DeploymentFailed."""
    written = read_template(template)
    known = {name: str(value) for name, value in parameters.items() if name in written.get("Parameters", {})}
    check_rules(written, known)
    codes = function_codes(written, template.parent)
    translated = translate(package(written, template.parent, client("s3")), known)
    create(stack, translated, known, client("cloudformation"))
    outputs, resources = read_back(stack, client("cloudformation"))
    by_name = {resources[code.logical_id]: code for code in codes if code.logical_id in resources}
    return Deployment(stack, outputs, resources, by_name, read_template(template), translated)


def function_codes(template: dict[str, Any], root: Path) -> list[FunctionCode]:
    """Where the code of each function lies, the layers' included."""
    shared = template.get("Globals", {}).get("Function", {})
    layers = [
        (root / resource["Properties"]["ContentUri"]).resolve()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    ]
    return [
        FunctionCode(
            name, (root / (resource["Properties"].get("CodeUri") or shared["CodeUri"])).resolve(), layers
        )
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    ]


def package(template: dict[str, Any], root: Path, s3: Any) -> dict[str, Any]:
    """What `sam package` does: local paths become objects. The code itself runs from where it lies."""
    s3.create_bucket(Bucket=ARTIFACTS)
    s3.put_object(Bucket=ARTIFACTS, Key="code.zip", Body=empty_archive())
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                properties["CodeUri"] = f"s3://{ARTIFACTS}/code.zip"
            case "AWS::Serverless::LayerVersion":
                properties["ContentUri"] = f"s3://{ARTIFACTS}/code.zip"
            case "AWS::Serverless::StateMachine" if isinstance(properties.get("DefinitionUri"), str):
                definition = root / properties["DefinitionUri"]
                s3.put_object(Bucket=ARTIFACTS, Key=definition.name, Body=definition.read_bytes())
                properties["DefinitionUri"] = {"Bucket": ARTIFACTS, "Key": definition.name}
    return template


def translate(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """SAM's resources as CloudFormation's. Rules were checked; moto does not know the section."""
    values: dict[str, Any] = dict(parameters)
    to_py27_compatible_template(template, values)
    managed = {name: f"arn:aws:iam::aws:policy/{path}" for name, path in MANAGED_POLICIES.items()}
    translator = Translator(managed, Parser(), boto_session=boto3.Session(region_name=REGION))
    translated: dict[str, Any] = undo_mark_unicode_str_in_template(translator.translate(template, values))
    translated.pop("Rules", None)
    return translated


def create(
    stack: str, translated: dict[str, Any], parameters: Mapping[str, str], cloudformation: Any
) -> None:
    """Create the stack; a resource type that nobody here knows is an error, not a silence."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not supported by moto's CloudFormation.*")
        try:
            cloudformation.create_stack(
                StackName=stack,
                TemplateBody=json.dumps(translated, default=str),
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            )
        except UserWarning as unknown:
            raise DeploymentFailed(
                f"{unknown}. Add the type to dbmigrate_local/gaps/resource_types.py."
            ) from unknown
        except RecursionError as circle:
            raise DeploymentFailed(f"Resources of stack {stack} refer to each other in a circle.") from circle
    status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        raise DeploymentFailed(f"Stack {stack} ended as {status}.")


def read_back(stack: str, cloudformation: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The stack's outputs, and its physical names by logical id."""
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
        if summary.get("PhysicalResourceId")
    }
    return outputs, resources


def empty_archive() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("empty", "")
    return archive.getvalue()
