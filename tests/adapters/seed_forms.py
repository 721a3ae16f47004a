"""Tables that ask something of their rows, each as the SQL that makes it."""

from __future__ import annotations

TYPES = [
    "smallint",
    "integer",
    "bigint",
    "oid",
    "real",
    "float8",
    "numeric",
    "numeric(10,2)",
    "numeric(2,2)",
    "numeric(3,-2)",
    "boolean",
    "money",
    "text",
    "varchar",
    "varchar(1)",
    "varchar(20)",
    "char(1)",
    "char(2)",
    "char(7)",
    "name",
    "date",
    "time",
    "timetz(3)",
    "timestamp",
    "timestamptz",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "uuid",
    "bytea",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "bit",
    "bit(5)",
    "varbit",
    "varbit(9)",
    "tsvector",
    "tsquery",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "pg_lsn",
    "pg_snapshot",
    "xid8",
    "regclass",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "datemultirange",
    "text[]",
    "integer[]",
    "numeric(5,2)[]",
    "uuid[][]",
    '"char"',
]

FORMS = {
    "enum": "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (m mood NOT NULL, ms mood[] NOT NULL)",
    "domain": "CREATE DOMAIN age AS int CHECK (VALUE BETWEEN 18 AND 20); CREATE TABLE t (a age NOT NULL)",
    "domain of a domain, of text": (
        "CREATE DOMAIN a AS varchar(9) CHECK (VALUE ~ '^[a-z]+@'); CREATE DOMAIN b AS a NOT NULL "
        "CHECK (length(VALUE) > 5); ALTER DOMAIN a DROP CONSTRAINT a_check; CREATE TABLE t (b b)"
    ),
    "composite": "CREATE TYPE pair AS (a int, b text); CREATE TABLE t (p pair NOT NULL, ps pair[])",
    "range of our own": "CREATE TYPE tr AS RANGE (subtype = time); CREATE TABLE t (r tr NOT NULL)",
    "one of a list": "CREATE TABLE t (s text NOT NULL CHECK (s IN ('new', 'it''s', 'done')))",
    "one of a list of varchar": "CREATE TABLE t (s varchar(4) NOT NULL CHECK (s IN ('new', 'old')))",
    "between": "CREATE TABLE t (n int NOT NULL CHECK (n BETWEEN 40 AND 42))",
    "a scale of cents": "CREATE TABLE t (n numeric(5,2) NOT NULL CHECK (n > 0 AND n <= 0.05))",
    "less than another": "CREATE TABLE t (a date NOT NULL, b date, c int, d int, CHECK (a < b AND c > d))",
    "a chain": (
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL, c int NOT NULL, CHECK (a < b), CHECK (b < c))"
    ),
    "not the same": "CREATE TABLE t (a uuid NOT NULL, b uuid NOT NULL, CHECK (a <> b))",
    "length": "CREATE TABLE t (h text NOT NULL CHECK (length(h) = 33))",
    "an address": "CREATE TABLE t (e text UNIQUE NOT NULL CHECK (e ~* '^[^@ ]+@[^@ ]+[.][a-z]+$'))",
    "upper case": (
        'CREATE TABLE t ("Code" varchar(3) NOT NULL CHECK ("Code" = upper("Code") AND length("Code") = 3))'
    ),
    "json of a kind": "CREATE TABLE t (j jsonb NOT NULL CHECK (jsonb_typeof(j) = 'array'))",
    "array not empty": "CREATE TABLE t (a text[] NOT NULL CHECK (cardinality(a) = 2))",
    "exactly one": "CREATE TABLE t (a int, b int, c text, CHECK (num_nonnulls(a, b, c) = 1))",
    "together or not at all": "CREATE TABLE t (a int, b timestamptz, CHECK ((a IS NULL) = (b IS NULL)))",
    "status needs a date": "CREATE TABLE t (s text NOT NULL CHECK (s IN ('draft', 'sent')), at timestamptz,"
    " CHECK (s <> 'sent' OR at IS NOT NULL))",
    "after some day": "CREATE TABLE t (d date NOT NULL CHECK (d > '2030-01-31'))",
    "a default says how": (
        "CREATE FUNCTION known(x text) RETURNS bool LANGUAGE sql AS $$ SELECT x = 'k-77' $$; "
        "CREATE TABLE t (k text NOT NULL DEFAULT 'k-77' CHECK (known(k)))"
    ),
    "one row only": "CREATE TABLE t (one bool PRIMARY KEY DEFAULT true CHECK (one), v text)",
    "unique of several": "CREATE TABLE t (a bool NOT NULL, b bool NOT NULL, UNIQUE (a, b))",
    "unique expression": "CREATE TABLE t (a text NOT NULL); CREATE UNIQUE INDEX ON t (lower(a))",
    "unique part": "CREATE TABLE t (a bool NOT NULL); CREATE UNIQUE INDEX ON t ((true)) WHERE a",
    "nulls not distinct": "CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT)",
    "exclusion": "CREATE TABLE t (during tstzrange NOT NULL, EXCLUDE USING gist (during WITH &&))",
    "identity and generated": "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int,"
    " m int GENERATED ALWAYS AS (n * 2) STORED)",
    "serial": "CREATE TABLE t (id serial PRIMARY KEY)",
    "no column": "CREATE TABLE t ()",
    "only generated": "CREATE TABLE t (n int GENERATED ALWAYS AS (1) STORED)",
    "odd names": (
        'CREATE TABLE "t" ("a b" text NOT NULL, "%s" int, "it\'s" int CHECK ("it\'s" > 3), "q""q" int)'
    ),
    "a trigger that refuses": (
        "CREATE TABLE t (a int); CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE 'no'; END $$; CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE "
        "FUNCTION no()"
    ),
    "row security": (
        "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    ),
    "range partitions": "CREATE TABLE t (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
    " CREATE TABLE t2 PARTITION OF t DEFAULT",
    "partitions of two columns": "CREATE TABLE t (a int NOT NULL, b int NOT NULL) PARTITION BY RANGE (a, b);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (7, 100) TO (8, 5)",
    "list partitions": "CREATE TABLE t (r text NOT NULL, n int) PARTITION BY LIST (r);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('eu', 'us'); CREATE TABLE t2 PARTITION OF t DEFAULT",
    "hash partitions": "CREATE TABLE t (id bigint PRIMARY KEY) PARTITION BY HASH (id);"
    " CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER 0);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER 1);"
    " CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER 2)",
    "partitions of partitions": "CREATE TABLE t (r text NOT NULL, d date NOT NULL) PARTITION BY LIST (r);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('eu') PARTITION BY RANGE (d);"
    " CREATE TABLE t2 PARTITION OF t1 FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)",
    "inheritance": "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE c (b int) INHERITS (t)",
    "another schema": "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('a'); CREATE TABLE s.t (e s.e NOT NULL)",
    "unlogged": "CREATE UNLOGGED TABLE t (a int)",
}

LINKS = {
    "plain": (
        "CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL "
        "REFERENCES b)"
    ),
    "one to one": "CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY REFERENCES b)",
    "of many to many": "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id uuid PRIMARY KEY);"
    " CREATE TABLE c (a int REFERENCES a, b uuid REFERENCES b, PRIMARY KEY (a, b))",
    "to a table with one row": (
        "CREATE TABLE a (id bool PRIMARY KEY CHECK (id)); CREATE TABLE b (id int, a bool NOT "
        "NULL UNIQUE REFERENCES a)"
    ),
    "composite": "CREATE TABLE o (a int, b text, PRIMARY KEY (a, b)); CREATE TABLE t (x int, y text,"
    " FOREIGN KEY (x, y) REFERENCES o MATCH FULL)",
    "tenants": (
        "CREATE TABLE tenants (id int PRIMARY KEY); CREATE TABLE users (tenant int REFERENCES "
        "tenants, id int, PRIMARY KEY (tenant, id)); CREATE TABLE projects (tenant int NOT NULL "
        "REFERENCES tenants, id int, PRIMARY KEY (tenant, id)); CREATE TABLE members (tenant int "
        "NOT NULL REFERENCES tenants, u int NOT NULL, p int NOT NULL, FOREIGN KEY (tenant, u) "
        "REFERENCES users, FOREIGN KEY (tenant, p) REFERENCES projects)"
    ),
    "two parents of one column": (
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a); "
        "CREATE TABLE c (id int PRIMARY KEY REFERENCES a REFERENCES b)"
    ),
    "itself": "CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t)",
    "itself and must": "CREATE TABLE t (id int PRIMARY KEY, up int NOT NULL REFERENCES t)",
    "itself, composite": "CREATE TABLE t (a int, b int, up int, PRIMARY KEY (a, b),"
    " FOREIGN KEY (a, up) REFERENCES t)",
    "a circle": (
        "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int "
        "NOT NULL REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b"
    ),
    "a circle that must": (
        "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL); CREATE TABLE b (id int PRIMARY "
        "KEY, a int NOT NULL REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b "
        "DEFERRABLE"
    ),
    "to partitions": (
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION "
        "OF p FOR VALUES FROM (1) TO (100); CREATE TABLE a (p int NOT NULL REFERENCES p)"
    ),
    "from partitions": (
        "CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE p (id int, b int NOT NULL REFERENCES "
        "b) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (4, 5)"
    ),
    "one of two": (
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE "
        "c (id int, a int REFERENCES a, b int REFERENCES b, CHECK ((a IS NULL) <> (b IS NULL)))"
    ),
    "unique, not primary": (
        "CREATE TABLE a (id int, code text UNIQUE); CREATE TABLE b (a text NOT NULL REFERENCES a (code))"
    ),
    "rows that are there": (
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (5); CREATE TABLE b (a int "
        "NOT NULL REFERENCES a)"
    ),
}
