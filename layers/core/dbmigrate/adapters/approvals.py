"""The approvals table: one item a request (run#RUN), one a link (link#HASH of its secret)."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.domain.approval import MOST_TRIES, Link, Request, hash_of

KEPT_SECONDS = 90 * 86400  # after its end a request stays readable this long, then the table's TTL removes it
REQUEST_TEXTS = ("run", "plan", "code", "environment", "requested_by", "status", "decided_by", "comment")
REQUEST_TIMES = ("requested_at", "expires_at", "decided_at")


class DynamoApprovals:
    """Requests and links in one DynamoDB table whose key is ``id`` and whose TTL attribute is
    ``delete_at``."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def open(self, request: Request, token: str) -> bool:
        """Store the request, over an earlier one of the run. False when this very task was decided."""
        item = {name: {"S": getattr(request, name)} for name in REQUEST_TEXTS}
        item |= {name: {"N": str(getattr(request, name))} for name in REQUEST_TIMES}
        item |= {"id": {"S": f"run#{request.run}"}, "token": {"S": token}}
        item |= {
            "backup": {"S": json.dumps(dict(request.backup))},
            "delete_at": _delete_at(request.expires_at),
        }
        return self._wrote(
            self._client.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(id) OR #token <> :token OR #status = :pending",
            ExpressionAttributeNames={"#token": "token", "#status": "status"},
            ExpressionAttributeValues={":token": {"S": token}, ":pending": {"S": "pending"}},
        )

    def add_link(self, secret: str, link: Link) -> None:
        """Store one approver's link under the hash of its secret."""
        item = {"id": {"S": f"link#{hash_of(secret)}"}, "delete_at": _delete_at(link.expires_at)}
        item |= {name: {"S": getattr(link, name)} for name in ("run", "plan", "approver")}
        item |= {name: {"N": str(getattr(link, name))} for name in ("expires_at", "tries")}
        self._client.put_item(TableName=self._table, Item=item)

    def link(self, secret: str) -> Link | None:
        """The link with this secret; None when nobody was ever sent it."""
        item = self._item(f"link#{hash_of(secret)}")
        if not item:
            return None
        texts = {name: item[name]["S"] for name in ("run", "plan", "approver")}
        return Link(**texts, expires_at=int(item["expires_at"]["N"]), tries=int(item["tries"]["N"]))

    def request(self, run: str) -> Request | None:
        """The run's request as it is now."""
        item = self._item(f"run#{run}")
        return _request(item) if item else None

    def waiting(self, now: int) -> list[Request]:
        """Every request that nobody answered yet and that has not expired."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(id, :run) AND #status = :pending AND expires_at > :now",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":run": {"S": "run#"},
                ":pending": {"S": "pending"},
                ":now": {"N": str(now)},
            },
        )
        return [_request(item) for page in pages for item in page["Items"]]

    def take_try(self, secret: str) -> int:
        """Count one more answer, before anyone looks whether its code is right; how many there are with
        it."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"link#{hash_of(secret)}"}},
                UpdateExpression="ADD tries :one",
                ConditionExpression="tries < :most",
                ExpressionAttributeValues={":one": {"N": "1"}, ":most": {"N": str(MOST_TRIES)}},
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            return MOST_TRIES + 1 if _is_condition(error) else int(_raise(error))
        return int(answer["Attributes"]["tries"]["N"])

    def decide(self, link: Link, status: str, comment: str, now: int) -> str | None:
        """Record the run's one decision; its task token, or None when somebody or the clock was faster."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"run#{link.run}"}},
                UpdateExpression="SET #status = :status, #comment = :comment, "
                "decided_by = :by, decided_at = :now",
                ConditionExpression="#status = :pending AND #plan = :plan AND expires_at > :now",
                ExpressionAttributeNames={"#status": "status", "#plan": "plan", "#comment": "comment"},
                ExpressionAttributeValues={
                    ":status": {"S": status},
                    ":by": {"S": link.approver},
                    ":now": {"N": str(now)},
                    ":comment": {"S": comment},
                    ":pending": {"S": "pending"},
                    ":plan": {"S": link.plan},
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            return None if _is_condition(error) else _raise(error)
        return str(answer["Attributes"]["token"]["S"])

    def amend(self, link: Link, status: str) -> None:
        """Correct one's own decision that did not reach the run: back to pending, or ended."""
        self._wrote(
            self._client.update_item,
            Key={"id": {"S": f"run#{link.run}"}},
            UpdateExpression="SET #status = :status",
            ConditionExpression="decided_by = :by AND #plan = :plan",
            ExpressionAttributeNames={"#status": "status", "#plan": "plan"},
            ExpressionAttributeValues={
                ":status": {"S": status},
                ":by": {"S": link.approver},
                ":plan": {"S": link.plan},
            },
        )

    def _item(self, key: str) -> dict[str, Any] | None:
        # Consistent: a click must see the decision that was made the moment before.
        answer = self._client.get_item(TableName=self._table, Key={"id": {"S": key}}, ConsistentRead=True)
        return dict(answer["Item"]) if "Item" in answer else None

    def _wrote(self, write: Any, **arguments: Any) -> bool:
        try:
            write(TableName=self._table, **arguments)
        except ClientError as error:
            return False if _is_condition(error) else _raise(error)
        return True


def _request(item: dict[str, Any]) -> Request:
    values: dict[str, Any] = {name: item[name]["S"] for name in REQUEST_TEXTS}
    values |= {name: int(item[name]["N"]) for name in REQUEST_TIMES}
    return Request(**values, backup=json.loads(item["backup"]["S"]))


def _delete_at(expires_at: int) -> dict[str, str]:
    return {"N": str(expires_at + KEPT_SECONDS)}


def _is_condition(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _raise(error: ClientError) -> Any:
    raise error
