"""The tables of the ledger. What is made here is in every database that we ever migrated: only add to it."""

from __future__ import annotations

TABLES = """
CREATE SCHEMA IF NOT EXISTS dbmigrate;
CREATE TABLE IF NOT EXISTS dbmigrate.environment (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text NOT NULL,
    extensions text[] NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS dbmigrate.run (
    name text PRIMARY KEY,
    bundle text NOT NULL,
    plan text NOT NULL,
    direction text NOT NULL,
    requested_by text NOT NULL,
    approved_by text,
    reason text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    outcome text,
    detail text);
CREATE UNIQUE INDEX IF NOT EXISTS run_one_open ON dbmigrate.run ((ended_at IS NULL)) WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS dbmigrate.revision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text NOT NULL,
    direction text NOT NULL,
    run text NOT NULL REFERENCES dbmigrate.run (name),
    bundle text NOT NULL,
    source_digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision NOT NULL,
    lock_waits integer NOT NULL);
CREATE TABLE IF NOT EXISTS dbmigrate.catalog (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision text NOT NULL,
    fingerprint text NOT NULL,
    content bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
# What older ledgers lack: what people wish of a run that is under way (it asks between its steps), and the
# moment just before its upgrade with its place in the WAL.
LATER = """ALTER TABLE dbmigrate.run ADD COLUMN IF NOT EXISTS wish text,
    ADD COLUMN IF NOT EXISTS wished_by text, ADD COLUMN IF NOT EXISTS wished_at timestamptz,
    ADD COLUMN IF NOT EXISTS marked_at timestamptz, ADD COLUMN IF NOT EXISTS wal text"""
HAS_LATER = """SELECT count(*) = 2 FROM pg_attribute
    WHERE attrelid = to_regclass('dbmigrate.run') AND attname IN ('wished_at', 'wal')"""
OTHERS = """SELECT to_regclass('dbmigrate.work') AS work, to_regclass('dbmigrate.piece') AS piece,
    to_regclass('dbmigrate.mark') AS mark"""
