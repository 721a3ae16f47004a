"""What moto 5.2.5 lacks for this project, one module a gap. All that depends on moto's inside lies here.

Each module exports a context manager that closes its gap for as long as it is entered. moto is pinned
exactly; a new version is taken by running tests/local.

Not closed: size limits of variables and payloads, `$eval` in JSONata (AWS refuses it), Wait until a timestamp
on the fast clock, heartbeats' own error name, distributed Map, JSONPath, direct SDK integrations, schedules
of rules, alarms over more than one period, resource policies (topics, buckets, keys, function permissions).
"""

import sys
from importlib.util import find_spec
from types import ModuleType

if find_spec("openapi_spec_validator") is None:
    # moto's CloudFormation imports every service, and API Gateway's first version imports this validator of
    # documents that no template here has.
    unused = ModuleType("openapi_spec_validator")
    unused.validate_spec = lambda document: None  # type: ignore[attr-defined]
    sys.modules["openapi_spec_validator"] = unused
