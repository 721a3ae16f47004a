-- A small day at Luro AI, for the schema of the last revision: what a rollback has to leave untouched.
INSERT INTO users (clerk_id, email, name, onboarding_step, onboarded_at, preferences, completed_steps) VALUES
    ('user_2nVq8Ada', 'ada@example.com', 'Ada Okafor', 'done', '2026-10-05T09:12:00Z',
     '{"theme": "dark", "language": "en"}', '{profile,first_post,invite}'),
    ('user_2nVr1Ben', 'ben@example.com', 'Ben Lindqvist', 'done', '2026-10-19T14:40:00Z',
     '{"theme": "light", "digest": "weekly"}', '{profile,first_post}'),
    ('user_2nWc4Chi', 'chiara@example.com', 'chiara', 'connect', NULL, '{}', '{profile}');

-- Ada has two keys of the same name: allowed today, and what the demonstration's failing revision stumbles over.
INSERT INTO api_keys (user_id, name, key_hash, active, permissions, last_used_at, expires_at)
SELECT users.id, k.name, encode(sha256(convert_to(k.secret, 'UTF8')), 'hex'), k.active, k.permissions, k.used, k.expires
  FROM (VALUES
    ('user_2nVq8Ada', 'Website', 'demo-1', true, '{posts:read,posts:write}'::text[],
     '2026-11-02T08:15:00Z'::timestamptz, NULL::timestamptz),
    ('user_2nVq8Ada', 'Website', 'demo-2', false, '{posts:read}', '2026-10-07T17:03:00Z', '2026-11-01T00:00:00Z'),
    ('user_2nVr1Ben', 'Newsletter', 'demo-3', true, '{posts:read}', NULL, '2027-10-19T00:00:00Z')
  ) AS k (clerk_id, name, secret, active, permissions, used, expires)
  JOIN users USING (clerk_id);

INSERT INTO conversations (user_id, title, created_at)
SELECT users.id, c.title, c.created_at
  FROM (VALUES
    ('user_2nVq8Ada', 'Launch of the autumn collection', '2026-11-02T08:20:00Z'::timestamptz),
    ('user_2nVq8Ada', 'Shorter newsletter intro', '2026-11-03T10:01:00Z'),
    ('user_2nVr1Ben', NULL, '2026-11-04T16:45:00Z')
  ) AS c (clerk_id, title, created_at)
  JOIN users USING (clerk_id);

INSERT INTO messages (conversation_id, role, content, created_at)
SELECT conversations.id, m.role::message_role, m.content, conversations.created_at + m.later
  FROM (VALUES
    ('Launch of the autumn collection', 'user', 'Write three posts for our autumn launch on Friday.', interval '0 s'),
    ('Launch of the autumn collection', 'assistant', 'Here are three drafts, from playful to plain.', interval '6 s'),
    ('Launch of the autumn collection', 'user', 'The second one, but without the pun.', interval '2 min'),
    ('Launch of the autumn collection', 'assistant', 'Warm layers, made to last. Friday at nine.', interval '126 s'),
    ('Shorter newsletter intro', 'user', 'Cut this introduction to two sentences.', interval '0 s'),
    ('Shorter newsletter intro', 'assistant', 'Autumn is here. So is everything you need for it.', interval '4 s')
  ) AS m (title, role, content, later)
  JOIN conversations USING (title);

INSERT INTO generations (conversation_id, model, prompt_tokens, output_tokens, duration_ms, created_at)
SELECT conversation_id, 'luro-write-2', 180, 64, 4200, created_at FROM messages WHERE role = 'assistant';

INSERT INTO campaigns (user_id, name, starts_at, ends_at)
SELECT id, 'Autumn launch', '2026-11-06T09:00:00Z', '2026-11-30T22:00:00Z' FROM users WHERE clerk_id = 'user_2nVq8Ada';

INSERT INTO posts (user_id, campaign_id, status, body, published_at)
SELECT campaigns.user_id, campaigns.id, p.status::post_status, p.body, p.published_at
  FROM (VALUES
    ('published', 'Something warm is coming on Friday.', '2026-11-04T09:00:00Z'::timestamptz),
    ('draft', 'Warm layers, made to last. Friday at nine.', NULL),
    ('draft', 'Last call: the launch price ends tonight.', NULL)
  ) AS p (status, body, published_at)
  CROSS JOIN campaigns;

INSERT INTO analytics_events (occurred_at, user_id, name, properties)
SELECT e.occurred_at, users.id, e.name, e.properties::jsonb
  FROM (VALUES
    ('user_2nVq8Ada', '2026-10-05T09:12:00Z'::timestamptz, 'onboarding_finished', '{"minutes": 7}'),
    ('user_2nVq8Ada', '2026-11-04T09:00:02Z', 'post_published', '{"channel": "web"}'),
    ('user_2nWc4Chi', '2026-11-05T12:30:00Z', 'signed_in', '{}')
  ) AS e (clerk_id, occurred_at, name, properties)
  JOIN users USING (clerk_id);
