r"""Gaps in how states hand values on, each closed by itself.

- moto evaluates Output after Assign took effect; on AWS both see the variables as they were on entry.
- moto runs a Choice's own Assign also when a rule that matched leads where Default leads.
- moto lets a Catch see $states.result of the failed attempt.
- moto takes strings of a definition as raw text: \" \\ \n \u00e9 stay as they are written.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.catch.catch_decl import CatchDecl
from moto.stepfunctions.parser.asl.component.common.outputdecl import Output
from moto.stepfunctions.parser.asl.component.state.choice.choice_rule import ChoiceRule
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def output_sees_old_variables() -> Iterator[None]:
    """Assign and Output are evaluated side by side."""
    enter, assign, output = CommonStateField._eval_body, AssignDecl._eval_body, Output._eval_body

    def enter_state(self: CommonStateField, env: Any) -> None:
        env.variables_on_entry = None
        enter(self, env)

    def remember_and_assign(self: AssignDecl, env: Any) -> None:
        env.variables_on_entry = dict(env.variable_store._inner_scope)
        assign(self, env)

    def output_with_the_old(self: Output, env: Any) -> None:
        before = getattr(env, "variables_on_entry", None)
        if before is None:
            return output(self, env)
        now = dict(env.variable_store._inner_scope)
        try:
            _set_variables(env.variable_store, before)
            return output(self, env)
        finally:
            _set_variables(env.variable_store, now)

    with replaced(
        (CommonStateField, "_eval_body", enter_state),
        (AssignDecl, "_eval_body", remember_and_assign),
        (Output, "_eval_body", output_with_the_old),
    ):
        yield


@contextlib.contextmanager
def default_assigns_only_for_default() -> Iterator[None]:
    """A Choice's own Assign and Output are those of its Default."""
    state = threading.local()
    rule, choose, output = ChoiceRule._eval_body, StateChoice._eval_state, StateChoice._eval_state_output

    def note_match(self: ChoiceRule, env: Any) -> None:
        rule(self, env)
        state.matched = state.matched or env.stack[-1] is True

    def start_unmatched(self: StateChoice, env: Any) -> None:
        state.matched = False
        choose(self, env)

    def output_of_default(self: StateChoice, env: Any) -> None:
        kept = self.assign_decl, self.output
        if state.matched:
            self.assign_decl = self.output = None
        try:
            output(self, env)
        finally:
            self.assign_decl, self.output = kept

    with replaced(
        (ChoiceRule, "_eval_body", note_match),
        (StateChoice, "_eval_state", start_unmatched),
        (StateChoice, "_eval_state_output", output_of_default),
    ):
        yield


@contextlib.contextmanager
def no_result_in_catch() -> Iterator[None]:
    """A failed state has an error and no result."""
    original = CatchDecl._eval_body

    def without_result(self: CatchDecl, env: Any) -> None:
        env.states._states_data["result"] = None
        original(self, env)

    with replaced((CatchDecl, "_eval_body", without_result)):
        yield


@contextlib.contextmanager
def escapes_in_definitions() -> Iterator[None]:
    """A definition is JSON, so its strings are read as JSON reads them."""
    original = Preprocessor._inner_string_of

    def unescaped(parser_rule_context: Any) -> Any:
        text = original(parser_rule_context)
        return json.loads(f'"{text}"') if isinstance(text, str) and "\\" in text else text

    with replaced((Preprocessor, "_inner_string_of", staticmethod(unescaped))):
        yield


def _set_variables(store: Any, values: dict[str, Any]) -> None:
    store._inner_scope.clear()
    store._inner_scope.update(values)
    store._variable_declarations_cache = None
