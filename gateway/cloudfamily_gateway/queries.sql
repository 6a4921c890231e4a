-- name: devices
SELECT v.code, v.id, v.home_id FROM device v WHERE v.code = ANY(%(codes)b);

-- name: add_readings
INSERT INTO reading (time, device_id, quantity, value)
SELECT * FROM unnest(%(times)b::timestamptz[], %(devices)b::int4[], %(quantities)b::int2[], %(readings)b::float8[])
ON CONFLICT DO NOTHING;

-- name: add_signal
INSERT INTO signal (device_code, device_id, home_id, kind, at, received_at, seq, once, detail, due_at)
VALUES (%(device)s, %(device_id)s, %(home_id)s, %(kind)s, %(at)s, %(received_at)s, %(seq)s, %(once)s, %(detail)s, %(received_at)s)
ON CONFLICT (device_code, kind, once) DO NOTHING;

-- name: hint_signal
SELECT pg_notify('signal', '');

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
