-- name: devices
SELECT v.code, v.id, v.edge, v.first_seen_at IS NOT NULL, v.home_id, v.person_id FROM device v WHERE v.code = ANY(%(codes)b);

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

-- name: standing
SELECT device_code, kind, since FROM level WHERE active AND device_code = ANY(%(codes)b);

-- name: set_level
INSERT INTO level (device_code, kind, active, since) VALUES (%(device)s, %(kind)s, %(active)s, %(at)s)
ON CONFLICT (device_code, kind) DO UPDATE SET active = EXCLUDED.active, since = EXCLUDED.since
WHERE level.active <> EXCLUDED.active AND level.since <= EXCLUDED.since
RETURNING active;

-- name: announce
UPDATE device SET family = %(family)s, vendor = coalesce(%(vendor)s, vendor), model = coalesce(%(model)s, model), name = coalesce(%(name)s, name),
       hub_id = coalesce(nullif(%(hub_id)s::int, id), hub_id), mains = coalesce(%(mains)s, mains), address = coalesce(%(address)s, address),
       report_minutes = coalesce(%(report_minutes)s, report_minutes),
       room = coalesce(room, %(room)s),
       report_from = CASE WHEN %(report_minutes)s::int IS NULL THEN report_from ELSE 'said' END,
       kind = CASE WHEN home_id IS NULL AND %(kind)s::text <> 'other' THEN %(kind)s ELSE kind END
WHERE code = %(device)s;

-- name: link
-- Who is watched is looked at soon: at once when it is back, and after `supervise`'s grace when it is gone. Being back is a word.
UPDATE device SET offline_since = CASE WHEN %(online)s THEN NULL ELSE %(at)s END,
       watched_from = CASE WHEN %(online)s THEN greatest(watched_from, %(at)s) ELSE watched_from END,
       due_at = CASE WHEN due_at IS NOT NULL THEN least(due_at, %(at)s + CASE WHEN %(online)s THEN interval '0' ELSE interval '30 seconds' END) END
WHERE code = %(device)s AND (offline_since IS NULL) <> %(online)s;

-- name: add_quarantine
INSERT INTO quarantine (topic, device_code, reason, detail, size, sample, digest, first_at, last_at)
VALUES (%(topic)s, %(device)s, %(reason)s, %(detail)s, %(size)s, %(sample)s, %(digest)s, %(at)s, %(at)s)
ON CONFLICT (digest, reason) DO UPDATE SET times = quarantine.times + 1, last_at = EXCLUDED.last_at, cleared_at = NULL;

-- name: claim_device
-- While no gateway listens, silence means nothing: the devices wait for `alive`, which then gives them time.
SELECT v.id, v.code, v.home_id, v.kind, v.family, v.vendor, v.model, v.mains, v.hub_id, v.edge, v.report_minutes, v.report_from, v.promise,
       v.watched_from, v.offline_since, v.silent_since, v.battery_looked_on, CASE WHEN h.canary THEN NULL ELSE h.district_id END AS district_id, h.building,
       v.kind = 'hub' OR EXISTS (SELECT FROM device w WHERE w.hub_id = v.id AND w.id <> v.id)
       OR EXISTS (SELECT FROM device w WHERE w.edge = v.code AND w.id <> v.id) AS is_hub,
       (SELECT max(r.time) FROM reading r WHERE r.device_id = v.id AND r.time > %(since)s AND r.time <= %(now)s) AS last_at
FROM device v LEFT JOIN home h ON h.id = v.home_id
WHERE v.due_at <= %(now)s AND NOT EXISTS (SELECT FROM alive WHERE name = %(gateway)s AND at < %(deaf_before)s)
ORDER BY v.due_at LIMIT 1 FOR NO KEY UPDATE OF v SKIP LOCKED;

-- name: device_postponed
UPDATE device SET due_at = %(now)s + interval '5 minutes' WHERE id = %(id)s;

-- name: promise
UPDATE device SET report_minutes = %(report_minutes)s, report_from = %(report_from)s, promise = %(promise)s WHERE id = %(id)s;

-- name: look_at_device_again
UPDATE device SET due_at = %(due_at)s, silent_since = %(silent_since)s WHERE id = %(id)s;

-- name: above_device
-- What may hold the alarm of this device: its district's outage, its building's, or a hub or edge above it whose own alarm was
-- raised; `late`: a hub above it has not been heard since this device was either, and is not judged yet.
SELECT EXISTS (SELECT FROM outage o WHERE o.district_id = %(district_id)s AND o.ended_at IS NULL) AS outage,
       EXISTS (SELECT FROM outage o WHERE o.building_district_id = %(district_id)s AND o.building = %(building)s AND o.ended_at IS NULL) AS building_out,
       coalesce(bool_or(u.silent_since IS NOT NULL AND EXISTS (
           SELECT FROM signal s WHERE s.device_code = u.code AND s.kind IN ('hub_silent', 'device_silent') AND NOT s.held
           AND s.received_at >= u.silent_since)), false) AS hub_out,
       coalesce(bool_or(u.due_at IS NOT NULL AND u.silent_since IS NULL AND (u.offline_since IS NOT NULL OR u.promise = 'regular'
           AND greatest(u.watched_from, (SELECT max(r.time) FROM reading r WHERE r.device_id = u.id AND r.time > %(since)s AND r.time <= %(now)s))
               <= %(out_since)s)), false) AS late
FROM device u WHERE (u.id = %(hub_id)s OR u.code = %(edge)s) AND u.id <> %(id)s;

-- name: beneath_hub
SELECT count(*) AS devices FROM device v WHERE (v.hub_id = %(id)s OR v.edge = %(code)s) AND v.id <> %(id)s;

-- name: raise_alarm
-- Once for each silence; one that was held is raised when nothing holds it any more.
INSERT INTO signal (device_code, device_id, home_id, district_id, kind, at, received_at, once, detail, due_at, held)
VALUES (%(device)s, %(device_id)s, %(home_id)s, %(district_id)s, %(kind)s, %(now)s, %(now)s, %(once)s, %(detail)s, %(due_at)s, %(held)s)
ON CONFLICT (device_code, kind, once) DO UPDATE SET received_at = EXCLUDED.received_at, detail = EXCLUDED.detail, due_at = EXCLUDED.due_at, held = false
WHERE signal.held AND NOT EXCLUDED.held;

-- name: hold_beneath_hub
UPDATE signal s SET due_at = NULL, held = true FROM device v
WHERE (v.hub_id = %(id)s OR v.edge = %(code)s) AND v.id <> %(id)s AND s.device_code = v.code
  AND s.kind IN ('hub_silent', 'device_silent') AND s.due_at IS NOT NULL AND s.tries = 0;

-- name: hold_of_place
-- Of a whole district, or of one building of it.
UPDATE signal s SET due_at = NULL, held = true FROM home h
WHERE h.district_id = %(district_id)s AND (%(building)s::text IS NULL OR h.building = %(building)s::text) AND NOT h.canary AND s.home_id = h.id
  AND s.kind IN ('hub_silent', 'device_silent') AND s.due_at IS NOT NULL AND s.tries = 0;

-- name: hold_buildings
-- What was about to be said of buildings is part of their district's outage.
UPDATE signal SET due_at = NULL, held = true
WHERE kind = 'building_dark' AND district_id = %(district_id)s AND due_at > %(now)s AND tries = 0;

-- name: take_back
-- It is back before anybody was told.
UPDATE signal SET due_at = NULL, held = true
WHERE device_code = %(code)s AND kind IN ('hub_silent', 'device_silent') AND due_at > %(now)s AND tries = 0;

-- name: raised
-- The alarm of the present silence that people know of.
SELECT kind FROM signal WHERE device_code = %(code)s AND kind IN ('hub_silent', 'device_silent') AND NOT held AND received_at >= %(silent_since)s
ORDER BY id DESC LIMIT 1;

-- name: give_time_beneath_hub
UPDATE device v SET watched_from = %(now)s, silent_since = NULL,
       due_at = CASE WHEN v.offline_since IS NULL THEN %(now)s + 2 * v.report_minutes * interval '1 minute' ELSE %(now)s + interval '5 minutes' END
WHERE (v.hub_id = %(id)s OR v.edge = %(code)s) AND v.id <> %(id)s AND v.due_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM signal s WHERE s.device_code = v.code AND s.kind IN ('hub_silent', 'device_silent') AND NOT s.held
                  AND s.received_at >= v.silent_since);

-- name: give_time_in_place
UPDATE device v SET watched_from = %(now)s, silent_since = NULL,
       due_at = CASE WHEN v.offline_since IS NULL THEN %(now)s + 2 * v.report_minutes * interval '1 minute' ELSE %(now)s + interval '5 minutes' END
FROM home h WHERE h.district_id = %(district_id)s AND (%(building)s::text IS NULL OR h.building = %(building)s::text) AND NOT h.canary
  AND v.home_id = h.id AND v.due_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM signal s WHERE s.device_code = v.code AND s.kind IN ('hub_silent', 'device_silent') AND NOT s.held
                  AND s.received_at >= v.silent_since);

-- name: battery_days
SELECT (r.time AT TIME ZONE 'UTC')::date AS day, r.quantity, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.value) AS value
FROM reading r WHERE r.device_id = %(id)s AND r.quantity = ANY(%(quantities)s::smallint[]) AND r.time > %(since)s AND r.time <= %(now)s
GROUP BY 1, 2 ORDER BY 1;

-- name: battery_is_new
-- Once for each warning that it was low.
INSERT INTO signal (device_code, device_id, home_id, kind, at, received_at, once, detail, due_at)
SELECT %(code)s, %(id)s, %(home_id)s, 'back', %(now)s, %(now)s, 'battery ' || low.id, '{"was": "battery_low"}', %(now)s
FROM (SELECT max(id) AS id FROM signal WHERE device_code = %(code)s AND kind = 'battery_low' AND received_at > %(since)s) low WHERE low.id IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: battery_looked_at
UPDATE device SET battery_empty_on = %(empty_on)s, battery_looked_on = %(today)s WHERE id = %(id)s;

-- name: newly_silent_homes
-- At most so many homes can have gone dark, of so many with a pulse (see below): cheap, and nearly always enough to say no.
SELECT (SELECT count(DISTINCT v.home_id) FROM device v JOIN home h ON h.id = v.home_id
        WHERE v.silent_since >= %(now)s - greatest(%(window_minutes)s, v.report_minutes) * interval '1 minute'
          AND h.district_id = %(district_id)s AND (%(building)s::text IS NULL OR h.building = %(building)s::text) AND NOT h.canary) AS silent,
       (SELECT count(*) FROM home h
        WHERE h.district_id = %(district_id)s AND (%(building)s::text IS NULL OR h.building = %(building)s::text) AND NOT h.canary AND EXISTS (
            SELECT FROM device v WHERE v.home_id = h.id AND v.due_at IS NOT NULL AND (v.promise = 'regular' OR v.kind = 'hub'
            OR EXISTS (SELECT FROM device w WHERE w.hub_id = v.id) OR EXISTS (SELECT FROM device w WHERE w.edge = v.code)))) AS homes;

-- name: lock_district
SELECT FROM district WHERE id = %(district_id)s FOR NO KEY UPDATE SKIP LOCKED;

-- name: lock_building
-- Few homes: each must be counted, so whoever counts just now is waited for.
SELECT pg_advisory_xact_lock(hashtext('building'), hashtext(%(district_id)s || ' ' || %(building)s));

-- name: pulse_of_place
-- A home's pulse: its hubs, else those of its regular devices that speak most often. A home is dark when none of them is heard;
-- it counts for this outage when that began within the window (or its own interval, where that is longer) before `at`.
WITH link AS (
    SELECT v.home_id, v.silent_since, greatest(%(window_minutes)s, v.report_minutes) * interval '1 minute' AS span,
           rank() OVER (PARTITION BY v.home_id ORDER BY b.is_hub DESC, v.report_minutes) AS place
    FROM device v JOIN home h ON h.id = v.home_id
    CROSS JOIN LATERAL (SELECT v.kind = 'hub' OR v.id IN (SELECT hub_id FROM device WHERE hub_id IS NOT NULL)
                        OR v.code IN (SELECT edge FROM device WHERE edge IS NOT NULL) AS is_hub) b
    WHERE h.district_id = %(district_id)s AND (%(building)s::text IS NULL OR h.building = %(building)s::text) AND NOT h.canary
      AND v.due_at IS NOT NULL AND (v.promise = 'regular' OR b.is_hub)
), pulse AS (
    SELECT home_id, bool_and(silent_since IS NOT NULL) AS dark, max(silent_since) AS fell_at, max(span) AS span FROM link WHERE place = 1 GROUP BY home_id
), fallen AS (SELECT fell_at FROM pulse WHERE dark AND fell_at >= %(at)s - span)
SELECT (SELECT count(*) FROM pulse) AS homes, count(*) AS silent, min(fell_at) AS first_at, max(fell_at) AS last_at FROM fallen;

-- name: begin_outage
INSERT INTO outage (district_id, building_district_id, building, began_at, due_at)
SELECT CASE WHEN %(building)s::text IS NULL THEN %(district_id)s::int END, CASE WHEN %(building)s::text IS NOT NULL THEN %(district_id)s::int END,
       %(building)s::text, %(now)s, %(due_at)s
ON CONFLICT DO NOTHING RETURNING id, (SELECT code FROM district WHERE id = %(district_id)s) AS code;

-- name: claim_outage
SELECT o.id, d.id AS district_id, o.building, o.began_at, d.code FROM outage o JOIN district d ON d.id = coalesce(o.district_id, o.building_district_id)
WHERE o.due_at <= %(now)s AND NOT EXISTS (SELECT FROM alive WHERE name = %(gateway)s AND at < %(deaf_before)s)
ORDER BY o.due_at LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED;

-- name: look_at_outage_again
UPDATE outage SET due_at = %(due_at)s WHERE id = %(id)s;

-- name: district_is_out
SELECT FROM outage WHERE district_id = %(district_id)s AND ended_at IS NULL;

-- name: outage_postponed
UPDATE outage SET due_at = %(now)s + interval '1 minute' WHERE id = %(id)s;

-- name: end_outage
UPDATE outage SET ended_at = %(now)s, due_at = NULL WHERE id = %(id)s;

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
UPDATE device v SET report_minutes = (told.params ->> 'minutes')::integer, report_from = 'said', watched_from = %(at)s,
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
