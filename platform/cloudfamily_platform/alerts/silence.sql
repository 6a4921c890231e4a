-- name: claim_home
-- While no gateway listens, silence means nothing: the homes wait for `alive`, which then gives them time.
SELECT id, code, district_id, timezone, watched_from, canary, bearable_alarms_per_month, nullif(silence_minutes, 480) AS family_limit_minutes FROM home
WHERE due_at <= %(now)s AND NOT EXISTS (SELECT FROM alive WHERE name = %(gateway)s AND at < %(blind_before)s)
ORDER BY due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: home_postponed
UPDATE home SET due_at = %(now)s + interval '5 minutes' WHERE id = %(id)s;

-- name: look_at_home_again
UPDATE home SET due_at = %(due_at)s WHERE id = %(home_id)s;

-- name: routine_of_home
SELECT model, learned_until FROM routine WHERE home_id = %(home_id)s;

-- name: movement_of_home
-- By whatever was at home then, also if it has been taken away since. The newest: what is too much is not learned, but nobody who
-- moves is taken to be still. A press that is none (0) is no end of a movement.
SELECT r.time AS at, r.quantity, r.value > 0 AS begins, v.code, v.name, v.room
FROM binding b JOIN device v ON v.id = b.device_id JOIN reading r ON r.device_id = b.device_id
WHERE b.home_id = %(home_id)s AND coalesce(b.unbound_at, 'infinity') > %(since)s
  AND r.quantity = ANY(%(movement)s::smallint[]) AND (r.value > 0 OR r.quantity <> %(press)s) AND r.time > %(since)s AND r.time <= %(now)s
  AND r.time >= coalesce(b.bound_at, '-infinity') AND r.time < coalesce(b.unbound_at, 'infinity')
ORDER BY r.time DESC, v.code DESC LIMIT %(most)s;

-- name: save_routine
INSERT INTO routine (home_id, model, learned_until, state, since, looked_at)
VALUES (%(home_id)s, %(model)s, %(learned_until)s, %(state)s, %(since)s, %(now)s)
ON CONFLICT (home_id) DO UPDATE SET model = EXCLUDED.model, learned_until = EXCLUDED.learned_until, state = EXCLUDED.state,
    since = EXCLUDED.since, looked_at = EXCLUDED.looked_at;
