"""Gaps in error names: what States.ALL catches, and what a Fail state may raise again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName

from dbmigrate_local.gaps.patching import replaced

UNCATCHABLE = ("States.Runtime", "States.DataLimitExceeded")


@contextlib.contextmanager
def error_names() -> Iterator[None]:
    """States.ALL catches neither of the uncatchable; a Fail state may raise States.* again."""
    matches = ErrorEqualsDecl._eval_body

    def match(self: ErrorEqualsDecl, env: Any) -> None:
        error = env.stack[-1].error_name
        if error in UNCATCHABLE and error not in [name.error_name for name in self.error_names]:
            env.stack[-1] = False
            return
        matches(self, env)

    def any_name(self: CustomErrorName, error_name: str) -> None:
        ErrorName.__init__(self, error_name=error_name)

    with replaced((ErrorEqualsDecl, "_eval_body", match), (CustomErrorName, "__init__", any_name)):
        yield
