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
       kind = CASE WHEN home_id IS NULL AND %(kind)s::text <> 'other' THEN %(kind)s ELSE kind END
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

-- name: claim_command
UPDATE command SET due_at = %(now)s + interval '10 seconds'
WHERE id = (SELECT id FROM command WHERE due_at <= %(now)s ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, device_code, answer, seq, expires_at;

-- name: command_done
UPDATE command SET due_at = NULL WHERE id = %(id)s;
