"""Every call of an assumed role, the state machine's included, is judged by the template's policies for it.

Only roles are judged: the stand-in's own clients and the user's are the account's administrator. moto judges
resources for two services only, and no conditions.
"""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.s3.exceptions import S3AccessDeniedError

from dbmigrate_local.account import ACCOUNT, REGION, role_of
from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.iam_policies import allowed, matches, policies_of
from dbmigrate_local.iam_resources import SERVICES, Call

PLAIN_CODE = ("rds", "iam", "ec2", "cloudformation", "cloudwatch")  # "AccessDenied" without "Exception"
NEEDS_NO_PERMISSION = ("sts:GetCallerIdentity",)


class Decision(NamedTuple):
    """What a role asked for, and whether its policies allow it."""

    role: str
    action: str
    resource: str
    allowed: bool
    context: Mapping[str, Any] = {}


class Denied(ServiceException):
    """A refusal in the wording and the code of the service that was called."""


class Judge:
    """Decides, and remembers what it decided."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def refusal(self, role_arn: str, session: str, call: Call) -> str | None:
        """The message of a refused call; None when every resource is allowed."""
        policies, role = policies_of(role_arn), role_arn.rsplit("/", 1)[-1]
        for action, resource in call.asks:
            granted = allowed(policies, action, resource, call.context)
            self.decisions.append(Decision(role, action, resource, granted, call.context))
            if not granted:
                return (
                    f"User: arn:aws:sts::{call.account}:assumed-role/{role}/{session} is not authorized "
                    f"to perform: {action} on resource: {resource} because no identity-based policy "
                    f"allows the {action} action"
                )
        return None

    def may(self, role_arn: str, action: str, resource: str) -> bool:
        """What a service asks on behalf of a role: may it do this here?"""
        granted = allowed(policies_of(role_arn), action, resource, {})
        self.decisions.append(Decision(role_arn.rsplit("/", 1)[-1], action, resource, granted))
        return granted

    def may_invoke(self, function: Any, service: str, source: str) -> bool:
        """Whether a function's own policy lets a service invoke it for a source, by ARN."""
        granted = any(invites(statement, service, source) for statement in function.policy.statements)
        self.decisions.append(Decision(service, "lambda:InvokeFunction", function.function_arn, granted))
        return granted

    @property
    def denied(self) -> list[Decision]:
        return [decision for decision in self.decisions if not decision.allowed]


def invites(statement: dict[str, Any], service: str, source: str) -> bool:
    """Whether one statement of a function's policy speaks of this service and this source."""
    principal = statement.get("Principal")
    named = principal.get("Service") if isinstance(principal, dict) else principal
    sources = [
        wanted
        for block in (statement.get("Condition") or {}).values()
        for key, wanted in block.items()
        if key.lower() == "aws:sourcearn"
    ]
    return named == service and all(matches(wanted, source) for wanted in sources)


@contextlib.contextmanager
def enforced(judge: Judge) -> Iterator[None]:
    """Refuse what the judge refuses, in the form of the service."""
    call_action = BaseResponse.call_action
    s3_action = ActionAuthenticatorMixin._authenticate_and_authorize_s3_action

    def call_if_allowed(self: BaseResponse) -> Any:
        role = role_of(self.get_access_key())
        if role is None:
            return call_action(self)
        call = call_of(self)
        if (
            call.service == "s3" or call.action in NEEDS_NO_PERMISSION
        ):  # S3 is judged where its keys are known
            return call_action(self)
        message = judge.refusal(*role, call)
        return call_action(self) if message is None else refused(self, call, message)

    def s3_if_allowed(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        role = role_of(self.get_access_key())
        if role is None:
            return s3_action(self, bucket_name=bucket_name, key_name=key_name)
        operation = self._get_action()
        name = operation[0] if isinstance(operation, list) else operation
        (prefix,) = self.querystring.get("prefix") or [None]
        given = {"Bucket": bucket_name, "Key": key_name, "Prefix": prefix}
        call = Call("s3", name, REGION, ACCOUNT, given)
        if judge.refusal(*role, call):
            raise S3AccessDeniedError()
        return None

    with replaced(
        (BaseResponse, "call_action", call_if_allowed),
        (ActionAuthenticatorMixin, "_authenticate_and_authorize_s3_action", s3_if_allowed),
    ):
        yield


def call_of(response: Any) -> Call:
    """The call that a request makes."""
    credential = response.headers.get("Authorization", "").split("Credential=")[-1].split(",")[0].split("/")
    signed_for = credential[3] if len(credential) > 3 else response.service_name
    operation = response._get_action()
    return Call(
        SERVICES.get(signed_for, signed_for),
        operation,
        response.region,
        response.current_account,
        {} if signed_for == "s3" else parameters_of(response, operation),
    )


def parameters_of(response: Any, operation: str) -> dict[str, Any]:
    """The request's parameters by their API names."""
    model = get_service_model(response.boto3_service_name)
    request = response.normalized_request
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](
        model.operation_model(operation)
    )
    parsed = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    return dict(parsed or {})


def refused(response: BaseResponse, call: Call, message: str) -> Any:
    """The 403 of a service."""
    code = "AccessDenied" if call.service in PLAIN_CODE else "AccessDeniedException"
    error = Denied("AuthorizationError" if call.service == "sns" else code, message)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # moto warns of codes that the service's model does not list
        _, headers, body = response.serialized(ActionResult(error))
    return 403, {**headers, "x-amzn-RequestId": str(uuid.uuid4())}, body
