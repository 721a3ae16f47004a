"""The same template, state machine and handlers on this machine: our own PostgreSQL and a local AWS."""
