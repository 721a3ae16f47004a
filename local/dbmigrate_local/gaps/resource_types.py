"""Gap: resource types that moto does not know. Two are built, the listed others do nothing here."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from moto.cloudformation import parsing
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.sns.models import sns_backends

WITHOUT_EFFECT = (
    "AWS::ApiGatewayV2::Api",  # its routes are served by dbmigrate_local.web
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SSM::ResourcePolicy",
    "AWS::XRay::Group",
)


class Added:
    """A resource type of ours: its physical id is its name, its only attribute is Arn.

    moto knows the direct subclasses of its model only, so each type names the model among its own bases.
    """

    kind: ClassVar[str]
    name_property: ClassVar[str | None] = None

    def __init__(self, physical_resource_id: str, arn: str = "") -> None:
        self._physical_resource_id = physical_resource_id
        self.arn = arn or physical_resource_id

    @property
    def physical_resource_id(self) -> str:
        return self._physical_resource_id

    @classmethod
    def cloudformation_name_type(cls) -> Any:
        return cls.name_property

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self.arn if attribute_name == "Arn" else f"{self.physical_resource_id}.{attribute_name}"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Added:
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Nothing was made that would have to go."""


class Subscription(Added, CloudFormationModel):
    """A subscription with its filter policy."""

    kind = "AWS::SNS::Subscription"
    SETTINGS = ("FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy")

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        wanted = cloudformation_json["Properties"]
        backend = sns_backends[account_id][region_name]
        made = backend.subscribe(wanted["TopicArn"], wanted["Endpoint"], wanted["Protocol"])
        for setting in cls.SETTINGS:
            if setting in wanted:
                value = wanted[setting]
                text = value if isinstance(value, str) else json.dumps(value)
                backend.set_subscription_attributes(made.arn, setting, text)
        return cls(made.arn)


class Alarm(Added, CloudFormationModel):
    """A metric alarm, without its evaluation (see gaps.alarms)."""

    kind = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        wanted = cloudformation_json["Properties"]
        made = cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=wanted.get("AlarmName", resource_name),
            namespace=wanted.get("Namespace", ""),
            metric_name=wanted.get("MetricName", ""),
            metric_data_queries=None,
            comparison_operator=wanted["ComparisonOperator"],
            evaluation_periods=int(wanted["EvaluationPeriods"]),
            datapoints_to_alarm=int(wanted.get("DatapointsToAlarm", wanted["EvaluationPeriods"])),
            period=int(wanted.get("Period", 60)),
            threshold=float(wanted["Threshold"]) if "Threshold" in wanted else 0.0,
            statistic=wanted.get("Statistic", ""),
            extended_statistic=wanted.get("ExtendedStatistic"),
            description=wanted.get("AlarmDescription", ""),
            dimensions=wanted.get("Dimensions", []),
            alarm_actions=wanted.get("AlarmActions", []),
            ok_actions=wanted.get("OKActions", []),
            insufficient_data_actions=wanted.get("InsufficientDataActions", []),
            unit=wanted.get("Unit"),
            actions_enabled=wanted.get("ActionsEnabled", True),
            treat_missing_data=wanted.get("TreatMissingData"),
            tags=[],
        )
        return cls(made.name, made.alarm_arn)


_added: list[type] = []  # moto holds resource types by weak reference


def add_resource_types() -> None:
    """Teach moto's CloudFormation the missing types; once a process is enough."""
    if _added:
        return
    known = parsing.get_model_map()
    _added.extend([Subscription, Alarm])
    for kind in WITHOUT_EFFECT:
        if kind not in known:
            _added.append(type("WithoutEffect", (Added, CloudFormationModel), {"kind": kind}))
    for cache in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cache.cache_clear()
