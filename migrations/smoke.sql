-- What the application cannot do without, asked after every upgrade and every rollback: docs/guide.md, "Smoke queries".
-- dbmigrate: since 0001
SELECT count(id) >= 0 FROM users WHERE clerk_id <> '';

-- dbmigrate: since 0002
-- The list of a user's keys.
SELECT count(k.id) >= 0 FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.key_hash <> '';

-- dbmigrate: since 0003
-- A conversation with its messages.
SELECT count(m.id) >= 0 FROM conversations c JOIN messages m ON m.conversation_id = c.id;

-- dbmigrate: since 0011
SELECT count(name) >= 0 FROM users;

-- dbmigrate: since 0001
-- dbmigrate: until 0014
-- The name as programs read it before 0011.
SELECT count(full_name) >= 0 FROM users;
