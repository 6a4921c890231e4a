-- name: people_by_id
SELECT p.id, p.code, p.name, p.language, p.canary,
       coalesce(array_agg(r.role ORDER BY r.role) FILTER (WHERE r.role IS NOT NULL), '{}') AS roles,
       coalesce(bool_or(r.role IN ('operator', 'supervisor') AND r.district_id IS NULL), false) AS whole_city,
       coalesce(array_agg(DISTINCT r.district_id) FILTER (WHERE r.role IN ('operator', 'supervisor') AND r.district_id IS NOT NULL), '{}') AS districts
FROM person p LEFT JOIN role r ON r.person_id = p.id
WHERE p.id = ANY(%(ids)s) GROUP BY p.id;

-- name: person_id_by_session
SELECT person_id, csrf FROM session WHERE hash = %(hash)s AND expires_at > %(now)s;

-- name: person_id_by_reach
SELECT person_id FROM reach WHERE channel = %(channel)s AND address = %(address)s AND dead_at IS NULL;

-- name: bind_reach
INSERT INTO reach (person_id, channel, address) VALUES (%(person_id)s, %(channel)s, %(address)s)
ON CONFLICT (person_id, channel) DO UPDATE SET address = EXCLUDED.address, dead_at = NULL;

-- name: unbind_address
DELETE FROM reach WHERE channel = %(channel)s AND address = %(address)s AND person_id <> %(person_id)s;

-- name: reach_is_dead
UPDATE reach SET dead_at = %(now)s WHERE person_id = %(person_id)s AND channel = %(channel)s;

-- name: set_language
UPDATE person SET language = %(language)s WHERE id = %(person_id)s;

-- name: add_ticket
INSERT INTO ticket (hash, person_id, purpose, expires_at) VALUES (%(hash)s, %(person_id)s, %(purpose)s, %(expires_at)s);

-- name: use_ticket
UPDATE ticket SET used_at = %(now)s
WHERE hash = %(hash)s AND purpose = %(purpose)s AND used_at IS NULL AND expires_at > %(now)s RETURNING person_id;

-- name: add_session
INSERT INTO session (hash, person_id, csrf, created_at, expires_at) VALUES (%(hash)s, %(person_id)s, %(csrf)s, %(now)s, %(expires_at)s);

-- name: end_session
DELETE FROM session WHERE hash = %(hash)s;

-- name: forget_old_sessions
WITH old AS (DELETE FROM session WHERE expires_at < %(now)s) DELETE FROM ticket WHERE expires_at < %(now)s;

-- name: search_homes
SELECT h.id, h.code, h.address, h.lat, h.lon, d.code AS district, d.name_zh, d.name_en,
       coalesce(array_agg(p.name ORDER BY p.id) FILTER (WHERE p.id IS NOT NULL), '{}') AS elders,
       (SELECT count(*) FROM alert a WHERE a.home_id = h.id AND a.state <> 'resolved') AS live_alerts,
       (SELECT max((SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s)) FROM device v WHERE v.home_id = h.id) AS last_seen_at
FROM home h JOIN district d ON d.id = h.district_id
LEFT JOIN resident s ON s.home_id = h.id LEFT JOIN person p ON p.id = s.person_id
WHERE NOT h.canary AND (%(whole_city)s OR h.district_id = ANY(%(districts)s))
  AND (%(q)s = '' OR h.code ILIKE '%%' || %(q)s || '%%' OR h.address ILIKE '%%' || %(q)s || '%%'
       OR EXISTS (SELECT FROM resident s2 JOIN person p2 ON p2.id = s2.person_id
                  WHERE s2.home_id = h.id AND (p2.name ILIKE '%%' || %(q)s || '%%' OR p2.phone LIKE '%%' || %(q)s || '%%')))
GROUP BY h.id, d.id ORDER BY h.code LIMIT %(limit)s;

-- name: home_by_code
SELECT h.id, h.code, h.address, h.lat, h.lon, h.key_code, h.district_id, h.canary, h.timezone, d.code AS district, d.name_zh, d.name_en
FROM home h JOIN district d ON d.id = h.district_id WHERE h.code = %(code)s;

-- name: home_by_id
SELECT h.id, h.code, h.address, h.lat, h.lon, h.key_code, h.district_id, d.code AS district, d.name_zh, d.name_en
FROM home h JOIN district d ON d.id = h.district_id WHERE h.id = %(home_id)s;

-- name: elders
SELECT p.name, p.sex, p.birth_date, p.phone, s.conditions, s.medicines, s.languages, s.hearing, s.notes
FROM resident s JOIN person p ON p.id = s.person_id WHERE s.home_id = %(home_id)s ORDER BY p.id LIMIT 10;

-- name: contacts
SELECT p.name, c.relation, p.phone, c.rank FROM contact c JOIN person p ON p.id = c.person_id
WHERE c.home_id = %(home_id)s ORDER BY c.rank LIMIT 20;

-- name: devices
SELECT v.code, v.kind,
       (SELECT r.value FROM reading r WHERE r.device_id = v.id AND r.quantity = 30 AND r.time > %(since)s ORDER BY r.time DESC LIMIT 1) AS battery,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s) AS last_seen_at
FROM device v WHERE v.home_id = %(home_id)s ORDER BY v.code LIMIT 100;

-- name: recent_readings
-- What a device said before it came is not of this home.
SELECT r.time AS at, v.code AS device, r.quantity, r.value
FROM device v LEFT JOIN binding b ON b.device_id = v.id AND b.unbound_at IS NULL
CROSS JOIN LATERAL (
    SELECT time, quantity, value FROM reading
    WHERE device_id = v.id AND time > %(since)s AND time >= coalesce(b.bound_at, '-infinity') ORDER BY time DESC LIMIT 20) r
WHERE v.home_id = %(home_id)s ORDER BY r.time DESC LIMIT %(limit)s;

-- name: bind_device
-- Also one that has not spoken yet, by its sticker.
INSERT INTO device (code, home_id, kind, watched_from, due_at, room, person_id)
VALUES (%(device)s, %(home_id)s, %(kind)s, %(now)s, %(now)s, %(room)s, %(wearer_id)s)
ON CONFLICT (code) DO UPDATE SET home_id = EXCLUDED.home_id, kind = EXCLUDED.kind, room = EXCLUDED.room, person_id = EXCLUDED.person_id, watched_from = EXCLUDED.watched_from, due_at = EXCLUDED.due_at
WHERE device.home_id IS NULL RETURNING id;

-- name: list_devices
-- Trouble first: what supervision has found. Whoever promises nothing and is not heard is quiet.
WITH found AS (
    SELECT v.*, h.code AS home, d.code AS district, d.name_zh, d.name_en,
           CASE WHEN v.home_id IS NULL THEN 'unbound'
                WHEN v.silent_since IS NOT NULL THEN CASE WHEN v.offline_since IS NULL THEN 'silent' ELSE 'offline' END
                WHEN v.promise = 'events' AND NOT EXISTS (SELECT FROM reading r WHERE r.device_id = v.id AND r.time > %(quiet_since)s) THEN 'quiet'
                ELSE 'ok' END AS state
    FROM device v LEFT JOIN home h ON h.id = v.home_id LEFT JOIN district d ON d.id = h.district_id
    WHERE (CASE WHEN v.home_id IS NULL THEN NOT %(canary)s ELSE h.canary = %(canary)s AND (%(whole_city)s OR h.district_id = ANY(%(districts)s)) END)
      AND (%(q)s = '' OR concat_ws(' ', v.code, v.name, v.vendor, v.model, v.kind, h.code) ILIKE '%%' || %(q)s || '%%')
), page AS (
    SELECT * FROM found WHERE %(state)s = '' OR state = %(state)s
    ORDER BY array_position(ARRAY['offline', 'silent', 'unbound', 'quiet', 'ok'], state), battery_empty_on NULLS LAST, code LIMIT %(limit)s
)
SELECT p.code, p.home, p.district, p.name_zh, p.name_en, p.kind, p.name, p.family, p.vendor, p.model, p.state, p.promise, p.report_minutes, p.mains,
       p.silent_since, p.offline_since, p.battery_empty_on, (SELECT w.code FROM device w WHERE w.id = p.hub_id) AS hub,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = p.id AND r.time > %(since)s AND r.time <= %(now)s) AS last_seen_at,
       (SELECT r.value FROM reading r WHERE r.device_id = p.id AND r.quantity = 30 AND r.time > %(since)s AND r.time <= %(now)s
        ORDER BY r.time DESC LIMIT 1) AS battery
FROM page p ORDER BY array_position(ARRAY['offline', 'silent', 'unbound', 'quiet', 'ok'], p.state), p.battery_empty_on NULLS LAST, p.code;

-- name: device_states
SELECT count(*) FILTER (WHERE v.home_id IS NULL) AS unbound,
       count(*) FILTER (WHERE v.home_id IS NOT NULL AND v.silent_since IS NOT NULL AND v.offline_since IS NULL) AS silent,
       count(*) FILTER (WHERE v.home_id IS NOT NULL AND v.silent_since IS NOT NULL AND v.offline_since IS NOT NULL) AS offline,
       count(*) AS all
FROM device v LEFT JOIN home h ON h.id = v.home_id
WHERE (CASE WHEN v.home_id IS NULL THEN NOT %(canary)s ELSE h.canary = %(canary)s AND (%(whole_city)s OR h.district_id = ANY(%(districts)s)) END);

-- name: button_tests
-- Per button and ISO week of its home's time zone, this week first: how it was pressed, a gap, or not owed. A press counts whether
-- it was meant as a test or not: it came through. The week in which it was bound is not owed, and this one not yet.
WITH button AS (
    SELECT v.code, h.code AS home, d.code AS district, d.name_zh, d.name_en, h.timezone,
           coalesce(v.bound_at, v.first_seen_at, v.watched_from) AT TIME ZONE h.timezone AS since
    FROM device v JOIN home h ON h.id = v.home_id JOIN district d ON d.id = h.district_id
    WHERE v.kind = 'button' AND h.canary = %(canary)s AND (%(whole_city)s OR h.district_id = ANY(%(districts)s))
), week AS (
    SELECT b.*, n, date_trunc('week', %(now)s AT TIME ZONE b.timezone) - n * interval '1 week' AS monday
    FROM button b CROSS JOIN generate_series(0, %(weeks)s - 1) AS n
), entry AS (
    SELECT w.code, w.home, w.district, w.name_zh, w.name_en, w.n, w.monday::date AS week, t.at,
           coalesce(t.how, CASE WHEN w.since > w.monday THEN 'before' WHEN w.n = 0 THEN 'due' ELSE 'gap' END) AS how
    FROM week w LEFT JOIN LATERAL (
        SELECT s.at, CASE WHEN s.kind = 'test' THEN 'test' ELSE coalesce((
                   SELECT coalesce(a.outcome, 'open') FROM alert a
                   WHERE a.home_id = s.home_id AND a.kind = 'sos' AND (a.resolved_at IS NULL OR a.resolved_at >= s.received_at)
                   ORDER BY a.opened_at LIMIT 1), 'open') END AS how
        FROM signal s WHERE s.device_code = w.code AND s.kind IN ('sos', 'test')
          AND s.at >= w.monday AT TIME ZONE w.timezone AND s.at < (w.monday + interval '1 week') AT TIME ZONE w.timezone
        ORDER BY s.kind DESC, s.at DESC LIMIT 1) t ON true
)
SELECT code, home, district, name_zh, name_en, count(*) FILTER (WHERE how = 'gap') AS gaps, max(at) AS last_at,
       array_agg(week ORDER BY n) AS weeks, array_agg(how ORDER BY n) AS hows, array_agg(at ORDER BY n) AS ats
FROM entry GROUP BY code, home, district, name_zh, name_en ORDER BY gaps DESC, code LIMIT %(limit)s;

-- name: batteries_running_out
SELECT v.code, h.code AS home, v.kind, v.battery_empty_on FROM device v JOIN home h ON h.id = v.home_id
WHERE v.battery_empty_on <= %(until)s AND h.canary = %(canary)s AND (%(whole_city)s OR h.district_id = ANY(%(districts)s))
ORDER BY v.battery_empty_on, v.code LIMIT %(limit)s;
-- name: bound_by
UPDATE binding SET bound_by = %(person_id)s WHERE device_id = %(id)s AND unbound_at IS NULL;

-- name: unbind_device
UPDATE device SET home_id = NULL, watched_from = %(now)s, due_at = NULL, silent_since = NULL, bound_at = NULL, room = NULL, person_id = NULL WHERE code = %(device)s AND home_id IS NOT NULL RETURNING id;

-- name: unbound_by
UPDATE binding SET unbound_by = %(person_id)s WHERE device_id = %(id)s AND unbound_at = %(now)s;

-- name: withdraw_commands
-- What was meant for one home must not be done in another.
UPDATE command SET state = 'failed', error = %(error)s, done_at = %(now)s, due_at = NULL WHERE device_code = %(device)s AND due_at IS NOT NULL;

-- name: quarantine_list
SELECT id, last_at AS received_at, first_at, times, topic, device_code AS device, reason, detail, size, sample, cleared_at
FROM quarantine WHERE cleared_at IS NULL ORDER BY last_at DESC LIMIT %(limit)s;

-- name: unbound_devices
-- Those that call for help first.
SELECT v.code AS device, v.first_seen_at, v.family, v.kind, v.vendor, v.model, v.name,
       coalesce(a.live, 0) AS live_alerts,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s) AS last_seen_at
FROM device v
LEFT JOIN (SELECT device_code, count(*) AS live FROM alert WHERE home_id IS NULL AND state <> 'resolved' GROUP BY device_code) a ON a.device_code = v.code
WHERE v.home_id IS NULL ORDER BY a.live IS NULL, v.first_seen_at DESC LIMIT %(limit)s;

-- name: quarantine_clear
UPDATE quarantine SET cleared_at = %(now)s WHERE id = %(id)s AND cleared_at IS NULL RETURNING id;

-- name: quarantine_clear_device
UPDATE quarantine SET cleared_at = %(now)s WHERE device_code = %(device)s AND reason = 'unknown_device' AND cleared_at IS NULL;

-- name: quarantine_forget
DELETE FROM quarantine WHERE last_at < %(before)s;

-- name: reading_maintain
SELECT reading_maintain(%(now)s, %(keep_days)s);

-- name: alive
INSERT INTO alive (name, at) VALUES (%(name)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at RETURNING (SELECT at FROM alive WHERE name = %(name)s) AS before;

-- name: gateway_alive
-- Its next word is waited for; after a darkness the alerts' side looks at once.
INSERT INTO alive (name, at, due_at) VALUES (%(name)s, %(now)s, %(due_at)s)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, due_at = CASE WHEN alive.dark_since IS NULL THEN EXCLUDED.due_at ELSE EXCLUDED.at END;

-- name: gateway_leaves
DELETE FROM alive WHERE name = %(name)s;

-- name: forget_gateways
DELETE FROM alive WHERE dark_since IS NOT NULL AND at < %(before)s;

-- name: watch_devices_from
-- Whoever was found silent before stays so: people know of it.
UPDATE device SET watched_from = %(now)s, due_at = %(now)s + 2 * report_minutes * interval '1 minute' WHERE due_at IS NOT NULL AND silent_since IS NULL;

-- name: give_homes_time
-- What happened while nobody listened is not known: silence counts from now.
UPDATE home SET due_at = greatest(due_at, %(now)s + least(silence_minutes, %(grace_minutes)s) * interval '1 minute'),
    watched_from = greatest(watched_from, %(now)s) WHERE due_at IS NOT NULL;

-- name: issue_credential
INSERT INTO credential (username, kind, hash, bases, created_at, issued_at)
VALUES (%(username)s, %(kind)s, %(hash)s, %(bases)s, %(now)s, %(now)s)
ON CONFLICT (username) DO UPDATE SET hash = EXCLUDED.hash, bases = EXCLUDED.bases, issued_at = EXCLUDED.issued_at, revoked_at = NULL
WHERE credential.kind = EXCLUDED.kind RETURNING username;

-- name: other_bridges
SELECT username, bases FROM credential WHERE kind = 'bridge' AND revoked_at IS NULL AND username <> %(username)s ORDER BY username;

-- name: revoke_credential
-- Also a device that has only a certificate, if it is on the books.
INSERT INTO credential (username, kind, created_at, revoked_at)
SELECT %(username)s, 'device', %(now)s, %(now)s
WHERE EXISTS (SELECT FROM device WHERE code = %(username)s) OR EXISTS (SELECT FROM credential WHERE username = %(username)s)
ON CONFLICT (username) DO UPDATE SET revoked_at = coalesce(credential.revoked_at, EXCLUDED.revoked_at) RETURNING username;

-- name: credentials
SELECT username, kind, hash, bases, issued_at, revoked_at FROM credential ORDER BY username COLLATE "C";

-- name: credentials_stamp
-- Other whenever any of them is. No time stamp does: transactions need not end in the order in which they began.
SELECT count(*) || ' ' || coalesce(sum(hashtextextended(concat_ws('|', username, kind, hash, bases, revoked_at IS NULL), 0)::numeric), 0) AS stamp
FROM credential;

-- name: device_or_credential
SELECT name.username, c.kind, v.id AS device_id, h.district_id, coalesce(h.canary, false) AS canary
FROM (SELECT %(username)s::text AS username) name
LEFT JOIN credential c USING (username) LEFT JOIN device v ON v.code = name.username LEFT JOIN home h ON h.id = v.home_id;

-- name: forget_enrolments
DELETE FROM enrolment WHERE username = %(username)s AND used_at IS NULL;

-- name: forget_old_enrolments
DELETE FROM enrolment WHERE expires_at < %(now)s;

-- name: add_enrolment
INSERT INTO enrolment (hash, username, created_at, expires_at) VALUES (%(hash)s, %(username)s, %(now)s, %(expires_at)s);

-- name: use_enrolment
UPDATE enrolment SET used_at = %(now)s WHERE hash = %(hash)s AND used_at IS NULL AND expires_at > %(now)s RETURNING username;
-- name: one_device
SELECT v.code AS device, v.first_seen_at, v.family, v.kind, v.vendor, v.model, v.name, v.room, h.code AS home, h.address, v.home_id, h.district_id,
       coalesce(h.canary, false) AS canary,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s) AS last_seen_at
FROM device v LEFT JOIN home h ON h.id = v.home_id WHERE v.code = %(device)s;

-- name: lock_device
SELECT FROM device WHERE code = %(code)s FOR NO KEY UPDATE;

-- name: live_commands
SELECT count(*) AS live FROM command WHERE device_code = %(device)s AND kind <> 'answer' AND due_at IS NOT NULL;

-- name: give_command
INSERT INTO command (device_code, kind, params, created_at, due_at, expires_at, created_by, alert_id)
VALUES (%(device)s, %(kind)s, %(params)s, %(now)s, %(now)s, %(expires_at)s, %(created_by)s, %(alert_id)s)
RETURNING *, (SELECT name FROM person WHERE id = %(created_by)s) AS by;

-- name: commands_of_device
SELECT c.*, p.name AS by FROM command c LEFT JOIN person p ON p.id = c.created_by
WHERE c.device_code = %(device)s ORDER BY c.id DESC LIMIT %(limit)s;

-- name: commands_forget
DELETE FROM command WHERE id IN (SELECT id FROM command WHERE due_at IS NULL AND created_at < %(before)s ORDER BY id LIMIT 100000);
