"""The only room that talks to PostgreSQL, Alembic and AWS."""
