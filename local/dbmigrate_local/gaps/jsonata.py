"""Gap: moto has no JSONata evaluator, and pastes variables as text into expressions.

Here each expression is parsed once and its variables are bound as values. What cannot be evaluated, or yields
nothing, is States.QueryEvaluationError as on AWS, so that Catch sees it. Not closed: AWS refuses `$eval`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import threading
import uuid
from collections.abc import Iterator
from typing import Any, NoReturn

from jsonata import Jsonata, utils
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import ConditionStringJSONata
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from dbmigrate_local.gaps.clock import Clock
from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.gaps.plain_json import plain


class Undefined(Exception):
    """An expression that yields nothing, which AWS refuses."""


class Evaluator:
    """Parsed expressions, and the functions that AWS adds to JSONata."""

    def __init__(self, clock: Clock) -> None:
        self._parsed: dict[str, Jsonata] = {}
        self._one_at_a_time = threading.RLock()  # the library keeps state per thread and expression
        self._functions = {
            "uuid": lambda: str(uuid.uuid4()),
            "parse": json.loads,
            "hash": lambda text, kind: hashlib.new(kind.replace("-", "").lower(), text.encode()).hexdigest(),
            "random": lambda *seed: random.Random(*seed).random(),
            "partition": lambda items, n: [items[i : i + int(n)] for i in range(0, len(items), int(n))],
            "millis": lambda: int(clock.now() * 1000),
            "now": lambda *_: clock.instant().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        }

    def evaluate(self, expression: str, bindings: dict[str, Any]) -> Any:
        """The value of an expression. Raises Undefined, and whatever the library raises."""
        with self._one_at_a_time:
            parsed = self._parse(expression)
            Jsonata.CURRENT.jsonata = parsed
            result = parsed.evaluate(None, with_nulls(plain(bindings)))
        if result is None:
            raise Undefined("it returned nothing (undefined)")
        return json.loads(json.dumps(utils.Utils.convert_nulls(result)))  # a function is no JSON: TypeError

    def _parse(self, expression: str) -> Jsonata:
        if expression not in self._parsed:
            parsed = Jsonata(expression)
            parsed.set_output_convert_nulls(False)
            for name, function in self._functions.items():
                parsed.register_lambda(name, function)
            self._parsed[expression] = parsed
        return self._parsed[expression]


@contextlib.contextmanager
def jsonata(clock: Clock) -> Iterator[None]:
    """Evaluate `{% %}` with real bindings; a Condition must be a boolean."""
    evaluator = Evaluator(clock)

    def expression(self: StringJSONata, env: Any) -> None:
        try:
            env.stack.append(evaluator.evaluate(self.expression, bindings_of(env)))
        except Exception as problem:  # noqa: BLE001 - whatever the library raises is the machine's error
            fail(env, f"The JSONata expression '{self.expression}' failed: {problem}")

    def condition(self: ConditionStringJSONata, env: Any) -> None:
        self.string_jsonata.eval(env=env)
        if not isinstance(env.stack[-1], bool):
            fail(env, f"Condition '{self.string_jsonata.expression}' is not a boolean: {env.stack[-1]!r}")

    with replaced(
        (StringJSONata, "_eval_body", expression), (ConditionStringJSONata, "_eval_body", condition)
    ):
        yield


def bindings_of(env: Any) -> dict[str, Any]:
    """The variables in scope and `$states`; result and errorOutput exist only where AWS has them."""
    data = env.states._states_data
    states = {key: value for key, value in data.items() if value is not None or key in ("input", "context")}
    store = env.variable_store
    return {**store._outer_scope, **store._inner_scope, "states": states}


def fail(env: Any, cause: str) -> NoReturn:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(error=name.error_name, cause=cause)
    raise FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),  # type: ignore[typeddict-item]
        )
    )


def with_nulls(value: Any) -> Any:
    """JSON's null is a value of its own in JSONata; Python's None would mean undefined."""
    if value is None:
        return utils.Utils.NULL_VALUE
    if isinstance(value, dict):
        return {key: with_nulls(item) for key, item in value.items()}
    return [with_nulls(item) for item in value] if isinstance(value, list) else value
