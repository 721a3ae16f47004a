"""What moto 5.2.5 lacks for this project, one module a gap. All that depends on moto's inside lies here.

Each module exports a context manager that closes its gap for as long as it is entered. moto is pinned
exactly; a new version is taken by running tests/local.

Not closed: size limits of variables and payloads, `$eval` in JSONata (AWS refuses it), Wait until a timestamp
on the fast clock, heartbeats' own error name, distributed Map, JSONPath, direct SDK integrations, schedules
of rules, alarms over more than one period, resource policies (topics, buckets, keys, function permissions),
servers of read replicas, RDS's own daily backup window (`backing-up`).
"""

from dbmigrate_local.gaps.unused_imports import stand_in_for_validator

stand_in_for_validator()  # before any module here imports moto
