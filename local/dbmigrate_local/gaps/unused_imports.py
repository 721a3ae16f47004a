"""Gap: moto's CloudFormation imports every service, one of which needs a validator of OpenAPI documents.

No template here has such a document, so the validator and the dozen packages that it needs are not installed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

VALIDATOR = "openapi_spec_validator"


class NeverRaised(Exception):
    """In the place of the validator's own error."""


def stand_in_for_validator() -> None:
    """Let the import succeed where the validator is not installed."""
    if VALIDATOR in sys.modules or find_spec(VALIDATOR) is not None:
        return
    names = (VALIDATOR, f"{VALIDATOR}.validation", f"{VALIDATOR}.validation.exceptions")
    package, validation, exceptions = (ModuleType(name) for name in names)
    package.validate_spec = package.validate = lambda document: None  # type: ignore[attr-defined]
    exceptions.OpenAPIValidationError = NeverRaised  # type: ignore[attr-defined]
    sys.modules.update(zip(names, (package, validation, exceptions), strict=True))
