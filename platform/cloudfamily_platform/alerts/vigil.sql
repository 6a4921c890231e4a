-- name: home_senses
-- Each device of a home with what its kind senses of these quantities (of a kind that says nothing of that, motion and presses): its
-- last value, since when it is so, and when it last said the opposite. What it said before it came is not of this home; a device
-- that senses none of them, or has said nothing, has empty columns.
SELECT v.code, v.kind, v.room, q.number AS quantity, v.silent_since IS NOT NULL OR v.offline_since IS NOT NULL AS out,
       v.kind = 'hub' OR EXISTS (SELECT FROM device w WHERE w.hub_id = v.id AND w.id <> v.id) OR EXISTS (SELECT FROM device w WHERE w.edge = v.code AND w.id <> v.id) AS is_hub,
       last.value > 0 AS is_on, last.time AS last_at, other.time AS other_at, first.time AS since
FROM device v LEFT JOIN LATERAL (
    SELECT number FROM unnest(%(quantities)s::smallint[]) AS number
    WHERE number = ANY (CASE WHEN v.kind LIKE 'motion%%' THEN '{1}' WHEN v.kind = 'door' THEN '{2}' WHEN v.kind = 'button' THEN '{3}'
                             WHEN v.kind = 'bed' THEN '{4}' WHEN v.kind IN ('hub', 'temperature', 'smoke', 'gas', 'water', 'siren') THEN '{}'
                             ELSE '{1,3}' END::smallint[])) q ON true
LEFT JOIN LATERAL (
    SELECT r.time, r.value FROM reading r WHERE r.device_id = v.id AND r.quantity = q.number
      AND r.time >= greatest(%(since)s, v.bound_at) AND r.time > %(since)s AND r.time <= %(now)s ORDER BY r.time DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT r.time FROM reading r WHERE r.device_id = v.id AND r.quantity = q.number AND r.time >= greatest(%(since)s, v.bound_at) AND r.time > %(since)s
      AND r.time < last.time AND (r.value > 0) <> (last.value > 0) ORDER BY r.time DESC LIMIT 1) other ON true
LEFT JOIN LATERAL (
    SELECT r.time FROM reading r WHERE r.device_id = v.id AND r.quantity = q.number AND r.time >= greatest(%(since)s, v.bound_at) AND r.time > %(since)s
      AND r.time > coalesce(other.time, '-infinity') AND r.time <= last.time ORDER BY r.time LIMIT 1) first ON true
WHERE v.home_id = %(home_id)s ORDER BY v.code, q.number LIMIT 400;

-- name: first_movement
-- The first movement that these devices saw after `after`.
SELECT min(r.time) AS at FROM reading r JOIN device v ON v.id = r.device_id
WHERE v.home_id = %(home_id)s AND v.code = ANY(%(codes)s) AND r.quantity = ANY(%(movement)s::smallint[]) AND r.value > 0
  AND r.time > %(after)s AND r.time <= %(now)s AND r.time >= coalesce(v.bound_at, '-infinity');

-- name: water_used
-- Litres that each meter has counted since; a meter that was set back counts on from 0. `from_at`: what it is counted from.
SELECT v.code, v.silent_since IS NOT NULL OR v.offline_since IS NOT NULL AS out, max(s.time) AS last_at, min(s.time) AS from_at,
       coalesce(sum(CASE WHEN s.value >= s.before THEN s.value - s.before WHEN s.before IS NOT NULL THEN s.value END), 0) AS litres
FROM device v CROSS JOIN LATERAL (
    SELECT r.time, r.value, lag(r.value) OVER (ORDER BY r.time) AS before FROM reading r
    WHERE r.device_id = v.id AND r.quantity = %(water)s AND r.time <= %(now)s AND r.time >= coalesce(v.bound_at, '-infinity')
      AND r.time >= coalesce((SELECT max(e.time) FROM reading e WHERE e.device_id = v.id AND e.quantity = %(water)s
                              AND e.time <= %(since)s AND e.time > %(far)s AND e.time >= coalesce(v.bound_at, '-infinity')), %(since)s)) s
WHERE v.home_id = %(home_id)s GROUP BY v.id ORDER BY v.code LIMIT 20;

-- name: claim_watch_rule
-- While no gateway listens, silence means nothing: they wait for `alive`, which then gives them time.
SELECT w.home_id AS id, w.home_id, w.kind, w.settings, w.watched_from, w.episode, h.timezone, h.district_id, h.canary
FROM watch_rule w JOIN home h ON h.id = w.home_id
WHERE w.due_at <= %(now)s AND NOT EXISTS (SELECT FROM alive WHERE name = %(gateway)s AND at < %(blind_before)s)
ORDER BY w.due_at LIMIT 1 FOR UPDATE OF w SKIP LOCKED;

-- name: watch_rule_postponed
UPDATE watch_rule SET due_at = %(now)s + interval '5 minutes' WHERE home_id = %(home_id)s AND kind = %(kind)s;

-- name: watch_rule_looked_at
UPDATE watch_rule SET due_at = %(due_at)s, episode = %(episode)s WHERE home_id = %(home_id)s AND kind = %(kind)s;

-- name: arm_watch_rules
-- What a home's devices make possible, once; whoever has switched it off has a row.
INSERT INTO watch_rule (home_id, kind, watched_from, due_at)
SELECT h.id, k.kind, %(now)s, %(now)s
FROM home h CROSS JOIN unnest(%(kinds)s::text[]) AS k(kind)
WHERE NOT EXISTS (SELECT FROM watch_rule w WHERE w.home_id = h.id AND w.kind = k.kind)
  AND CASE k.kind
      WHEN 'bathroom_long' THEN EXISTS (SELECT FROM device v WHERE v.home_id = h.id AND v.room = 'bathroom' AND v.kind LIKE 'motion%%')
          AND EXISTS (SELECT FROM device v WHERE v.home_id = h.id AND (v.kind = 'bed' OR (v.room = 'bedroom' AND v.kind LIKE 'motion%%')))
      WHEN 'out_of_bed' THEN EXISTS (SELECT FROM device v WHERE v.home_id = h.id AND v.kind = 'bed')
      WHEN 'door_open' THEN EXISTS (SELECT FROM device v WHERE v.home_id = h.id AND v.kind = 'door' AND (v.room IS NULL OR v.room IN ('hall', 'living', 'other')))
      ELSE false END
ORDER BY h.id LIMIT 10000 ON CONFLICT DO NOTHING;

-- name: watch_rules_of_home
SELECT w.*, p.name AS by FROM watch_rule w LEFT JOIN person p ON p.id = w.set_by WHERE w.home_id = %(home_id)s;

-- name: set_watch_rule
INSERT INTO watch_rule AS w (home_id, kind, settings, watched_from, due_at, set_by, set_at)
VALUES (%(home_id)s, %(kind)s, %(settings)s, %(now)s, %(due_at)s, %(person_id)s, %(now)s)
ON CONFLICT (home_id, kind) DO UPDATE SET settings = EXCLUDED.settings, due_at = EXCLUDED.due_at, set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at,
    watched_from = CASE WHEN w.due_at IS NULL THEN EXCLUDED.watched_from ELSE w.watched_from END;
