"""Functions run as on AWS: their own modules, environment, role, deadline and errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3
import pytest

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.stand_in import AlreadyOpen, stand_in


def test_a_handler_sees_the_template_and_nothing_of_this_machine(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "hunter2")
    answer, error = cloud.invoke("EchoFunction", {"a": 1})
    environment = answer["environment"]
    assert error is None and answer["event"] == {"a": 1}
    assert environment["ENVIRONMENT"] == "staging" and environment["DATABASE_TLS"] == "off"
    assert not {"SECRET_OF_THE_USER", "HOME"} & environment.keys()
    assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == "/small/echo"
    assert 15_000 < answer["remaining"] <= 20_000


def test_the_threads_of_a_handler_see_what_it_sees(cloud: Cloud) -> None:
    answer, _ = cloud.invoke("EchoFunction", {})
    assert answer["environment_of_its_pool"] == answer["environment"]


def test_a_handler_is_its_role(cloud: Cloud) -> None:
    answer, _ = cloud.invoke("EchoFunction", {})
    assert ":assumed-role/db-migrate-staging-EchoFunctionRole" in answer["identity"]


def test_the_api_address_is_this_machine(cloud: Cloud) -> None:
    answer, _ = cloud.invoke("EchoFunction", {})
    assert answer["environment"]["PAGE_URL"] == f"{cloud.approval_url}/pages" == cloud.outputs["PageUrl"]


def test_modules_are_private_to_a_function_and_stay_warm(cloud: Cloud) -> None:
    first, _ = cloud.invoke("EchoFunction", {})
    cloud.invoke("StoreFunction", {"do": "put", "key": "allowed/x"})
    second, _ = cloud.invoke("EchoFunction", {})
    other, _ = cloud.invoke("AskFunction", {})
    assert second["calls"] == first["calls"] + 1
    assert other["module"] == second["module"] and other["calls"] < second["calls"]
    assert "app" not in sys.modules


def test_this_process_keeps_its_own_world(cloud: Cloud) -> None:
    before, session = dict(os.environ), boto3.DEFAULT_SESSION
    cloud.invoke("EchoFunction", {})
    assert dict(os.environ) == before and boto3.DEFAULT_SESSION is session


def test_an_error_has_its_class_name(cloud: Cloud) -> None:
    answer, error = cloud.invoke("EchoFunction", {"refuse": "not today"})
    assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "Refused", "not today")


def test_a_timeout_is_the_sandbox_s(cloud: Cloud) -> None:
    answer, error = cloud.invoke("SlowFunction", {"seconds": 3})
    assert error == "Unhandled" and answer["errorType"] == "Sandbox.Timedout"
    assert "timed out after 1.00 seconds" in answer["errorMessage"]


def test_a_module_that_is_missing_is_an_import_error(cloud: Cloud) -> None:
    answer, _ = cloud.invoke("BrokenFunction", {})
    assert answer["errorType"] == "Runtime.ImportModuleError"


def test_what_a_handler_prints_is_its_log(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.invoke("EchoFunction", {"say": "from the handler"})
    assert "from the handler" in cloud.invocations[-1].log
    assert "from the handler" not in capsys.readouterr().out


def test_a_role_that_may_not_log_loses_its_log(cloud: Cloud) -> None:
    iam, role = cloud.client("iam"), cloud.resources["AskFunctionRole"]
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    cloud.invoke("AskFunction", {"say": "to nobody"})
    assert cloud.invocations[-1].log == ""
    assert "logs:PutLogEvents" in {decision.action for decision in cloud.judge.denied}


def test_one_stand_in_a_process(cloud: Cloud, template: Path) -> None:
    with pytest.raises(AlreadyOpen, match="another process"), stand_in(template):
        pass
