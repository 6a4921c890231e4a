-- name: devices
SELECT v.code, v.id, v.edge, v.first_seen_at IS NOT NULL FROM device v WHERE v.code = ANY(%(codes)b);

-- name: register_devices
-- Who is heard for the first time: the way that its word came is its way; one that nobody knows waits for a home.
WITH heard AS (SELECT * FROM unnest(%(codes)s::text[], %(edges)s::text[]) AS h(code, edge) ORDER BY code),
known AS (UPDATE device v SET first_seen_at = %(now)s, edge = h.edge FROM heard h WHERE v.code = h.code AND v.first_seen_at IS NULL RETURNING v.code)
INSERT INTO device (code, edge, kind, watched_from, first_seen_at)
SELECT h.code, h.edge, 'other', %(now)s, %(now)s FROM heard h
WHERE NOT EXISTS (SELECT FROM device v WHERE v.code = h.code) AND (SELECT count(*) FROM device WHERE home_id IS NULL) < %(most)s
ON CONFLICT (code) DO NOTHING;

-- name: add_readings
INSERT INTO reading (time, device_id, quantity, value)
SELECT * FROM unnest(%(times)b::timestamptz[], %(devices)b::int4[], %(quantities)b::int2[], %(readings)b::float8[])
ON CONFLICT DO NOTHING;

-- name: add_signal
-- Where the device is now: a lane remembers devices for a while, and one that was moved must not send help to its old home.
INSERT INTO signal (device_code, device_id, home_id, kind, at, received_at, seq, once, detail, due_at)
SELECT %(device)s, v.id, v.home_id, %(kind)s, %(at)s, %(received_at)s, %(seq)s, %(once)s, %(detail)s, %(received_at)s
FROM (SELECT) AS one LEFT JOIN device v ON v.code = %(device)s
ON CONFLICT (device_code, kind, once) DO NOTHING;

-- name: hint_signal
SELECT pg_notify('signal', '');

-- name: levels
SELECT device_code, kind FROM level WHERE active;

-- name: set_level
INSERT INTO level (device_code, kind, active, since) VALUES (%(device)s, %(kind)s, %(active)s, %(at)s)
ON CONFLICT (device_code, kind) DO UPDATE SET active = EXCLUDED.active, since = EXCLUDED.since
WHERE level.active <> EXCLUDED.active AND level.since <= EXCLUDED.since
RETURNING active;

-- name: announce
UPDATE device SET family = %(family)s, vendor = coalesce(%(vendor)s, vendor), model = coalesce(%(model)s, model), name = coalesce(%(name)s, name),
       hub_id = coalesce(nullif(%(hub_id)s::int, id), hub_id), mains = coalesce(%(mains)s, mains), address = coalesce(%(address)s, address),
       report_minutes = coalesce(%(report_minutes)s, report_minutes),
       kind = CASE WHEN home_id IS NULL THEN %(kind)s ELSE kind END
WHERE code = %(device)s;

-- name: link
UPDATE device SET offline_since = CASE WHEN %(online)s THEN NULL ELSE %(at)s END WHERE code = %(device)s AND (offline_since IS NULL) <> %(online)s;

-- name: add_quarantine
INSERT INTO quarantine (topic, device_code, reason, detail, size, sample, digest, first_at, last_at)
VALUES (%(topic)s, %(device)s, %(reason)s, %(detail)s, %(size)s, %(sample)s, %(digest)s, %(at)s, %(at)s)
ON CONFLICT (digest, reason) DO UPDATE SET times = quarantine.times + 1, last_at = EXCLUDED.last_at, cleared_at = NULL;

-- name: claim_device
SELECT v.id, v.code, v.home_id, v.report_minutes, v.watched_from,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s AND r.time <= %(now)s) AS last_at
FROM device v WHERE v.due_at <= %(now)s ORDER BY v.due_at LIMIT 1 FOR NO KEY UPDATE OF v SKIP LOCKED;

-- name: look_at_device_again
UPDATE device SET due_at = %(due_at)s WHERE id = %(id)s;

-- name: report
-- What a device says of its own commands, by the way that it is known to come. What is not forward is passed over.
WITH told AS (
    UPDATE command c SET state = %(state)s,
           delivered_at = coalesce(c.delivered_at, %(at)s),
           done_at = CASE WHEN %(state)s <> 'delivered' THEN %(at)s::timestamptz END,
           error = CASE WHEN %(state)s = 'failed' THEN coalesce(nullif(%(detail)s, ''), 'the device says no more') END,
           due_at = CASE WHEN %(state)s = 'delivered' THEN c.expires_at END
    FROM device v
    WHERE c.id = %(command_id)s AND c.device_code = %(device)s AND v.code = c.device_code AND v.edge IS NOT DISTINCT FROM %(hub)s
      AND c.kind <> 'answer' AND command_step(c.state) < command_step(%(state)s)
    RETURNING c.device_code, c.kind, c.params, c.state)
UPDATE device v SET report_minutes = (told.params ->> 'minutes')::integer, watched_from = %(at)s,
       due_at = CASE WHEN v.due_at IS NOT NULL THEN %(at)s + 2 * (told.params ->> 'minutes')::integer * interval '1 minute' END
FROM told WHERE v.code = told.device_code AND told.kind = 'interval' AND told.state = 'done';

-- name: claim_commands
WITH d AS MATERIALIZED (SELECT id, device_code FROM command WHERE due_at <= %(now)s ORDER BY due_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
UPDATE command c SET due_at = %(now)s + interval '10 seconds'
FROM d LEFT JOIN device v ON v.code = d.device_code WHERE c.id = d.id
RETURNING c.id, c.device_code, c.kind, c.params, c.answer, c.seq, c.state, c.tries, c.expires_at, coalesce(v.family, 'own') AS family, v.address, v.edge;

-- name: command_sent
-- A device may have reported before the broker did: its word stands. Without a next time nobody waits for more.
UPDATE command c SET tries = c.tries + 1, sent_at = coalesce(c.sent_at, %(now)s),
       state = CASE WHEN c.state = 'queued' THEN 'sent' ELSE c.state END,
       due_at = CASE WHEN c.state NOT IN ('queued', 'sent') THEN c.due_at WHEN d.due_at IS NOT NULL THEN least(d.due_at, c.expires_at) END
FROM unnest(%(ids)s::bigint[], %(dues)s::timestamptz[]) AS d(id, due_at) WHERE c.id = d.id;

-- name: commands_ended
UPDATE command c SET state = d.state, error = d.error, done_at = %(now)s, due_at = NULL
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(errors)s::text[]) AS d(id, state, error)
WHERE c.id = d.id AND command_step(c.state) < command_step(d.state);
