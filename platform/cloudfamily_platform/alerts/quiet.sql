-- name: open_alert
-- Said again, it is not over; worse than before, it begins anew with the policy for that. A line of another has time.
WITH before AS (
    SELECT severity FROM alert WHERE state <> 'resolved' AND kind = %(kind)s
    AND coalesce('home ' || home_id, 'device ' || device_code) = coalesce('home ' || %(home_id)s::int, 'device ' || %(device_code)s::text))
INSERT INTO alert (home_id, district_id, device_code, kind, severity, why, seq, policy_id, opened_at, due_at, canary, incident_id, told_with)
SELECT %(home_id)s, %(district_id)s, %(device_code)s, %(kind)s, %(severity)s, %(why)s, %(seq)s, p.id, %(now)s,
       %(now)s + CASE WHEN %(told_with)s::bigint IS NULL THEN interval '0' ELSE %(line_longest)s END, %(canary)s, %(incident_id)s::bigint, %(told_with)s::bigint
FROM policy p WHERE p.id = policy_for(%(district_id)s::smallint, %(kind)s, %(severity)s)
ON CONFLICT (coalesce('home ' || home_id, 'device ' || device_code), kind) WHERE state <> 'resolved'
DO UPDATE SET presses = alert.presses + 1, seq = coalesce(EXCLUDED.seq, alert.seq), recovered_at = NULL,
              device_code = coalesce(EXCLUDED.device_code, alert.device_code),
              why = CASE WHEN alert.kind = 'flapping' OR alert_is_worse(EXCLUDED.severity, alert.severity) THEN EXCLUDED.why ELSE alert.why END,
              severity = CASE WHEN alert_is_worse(EXCLUDED.severity, alert.severity) THEN EXCLUDED.severity ELSE alert.severity END,
              policy_id = CASE WHEN alert_is_worse(EXCLUDED.severity, alert.severity) THEN EXCLUDED.policy_id ELSE alert.policy_id END,
              told_with = CASE WHEN alert_is_worse(EXCLUDED.severity, alert.severity) THEN NULL ELSE alert.told_with END,
              step = CASE WHEN alert_is_worse(EXCLUDED.severity, alert.severity) AND alert.state = 'open' THEN 0 ELSE alert.step END,
              due_at = CASE WHEN alert_is_worse(EXCLUDED.severity, alert.severity) AND alert.state = 'open' THEN EXCLUDED.opened_at ELSE alert.due_at END
RETURNING id, presses, state, coalesce((SELECT alert_is_worse(%(severity)s, before.severity) FROM before), false) AS worse;

-- name: note_recovered
UPDATE alert SET recovered_at = CASE WHEN severity <> 'critical' THEN %(now)s END WHERE state <> 'resolved' AND kind = %(kind)s
  AND (home_id = %(home_id)s OR (%(home_id)s IS NULL AND home_id IS NULL AND device_code = %(device_code)s)) RETURNING id;

-- name: is_over
-- Whether what was raised is known to be over. What nothing is known of is not.
SELECT CASE
    WHEN %(kind)s IN ('device_silent', 'hub_silent') THEN NOT EXISTS (
        SELECT FROM device v WHERE v.silent_since IS NOT NULL
        AND CASE WHEN %(of_home)s THEN v.home_id = %(home_id)s ELSE v.code = %(device_code)s END
        AND EXISTS (SELECT FROM signal s WHERE s.device_code = v.code AND s.kind = %(kind)s AND NOT s.held AND s.received_at >= v.silent_since))
    WHEN %(kind)s = 'no_movement' THEN EXISTS (
        SELECT FROM binding b JOIN reading r ON r.device_id = b.device_id
        WHERE b.home_id = %(home_id)s AND b.unbound_at IS NULL AND r.quantity = ANY(%(movement)s::smallint[]) AND r.value > 0
        AND r.time > %(last_at)s AND r.time <= %(now)s)
    WHEN %(kind)s IN ('district_dark', 'building_dark') THEN NOT EXISTS (
        SELECT FROM outage o JOIN district d ON d.id = coalesce(o.district_id, o.building_district_id)
        WHERE o.ended_at IS NULL AND %(device_code)s = CASE WHEN o.building IS NULL THEN 'district.' || d.code ELSE 'building.' || d.code || '.' || o.building END)
    WHEN %(kind)s = 'gateway_dark' THEN NOT EXISTS (
        SELECT FROM alive WHERE dark_since IS NOT NULL AND %(device_code)s = 'gateway.' || split_part(name, '/', 2))
    WHEN %(kind)s = 'flapping' THEN NOT EXISTS (
        SELECT FROM quieted q WHERE q.cause = 'flap' AND q.ended IS NULL AND q.device_code = %(device_code)s)
    ELSE EXISTS (SELECT FROM level l WHERE l.device_code = %(device_code)s AND l.kind = %(kind)s AND NOT l.active AND l.since >= %(first_at)s)
      OR EXISTS (SELECT FROM signal s WHERE s.device_code = %(device_code)s AND s.kind = 'back' AND s.detail ->> 'was' = %(kind)s
                 AND s.received_at >= %(last_at)s) END AS over;

-- name: is_live
SELECT EXISTS (SELECT FROM alert WHERE state <> 'resolved' AND kind = %(kind)s
               AND coalesce('home ' || home_id, 'device ' || device_code) = coalesce('home ' || %(home_id)s::int, 'device ' || %(device_code)s::text)) AS live;

-- name: darkness_over_home
-- The outage that struck this home: its own devices fell silent with it, and are not heard yet, or it has been over for less than the
-- time that a home is given to show that somebody is about. One that lasts too long holds nothing any more.
SELECT o.id, o.ended_at, h.silence_minutes FROM home h JOIN outage o ON o.district_id = h.district_id OR (o.building_district_id = h.district_id AND o.building = h.building)
WHERE h.id = %(home_id)s AND o.began_at > %(now)s - %(longest)s::interval
  AND CASE WHEN o.ended_at IS NULL THEN EXISTS (SELECT FROM device v WHERE v.home_id = h.id AND v.silent_since IS NOT NULL)
      ELSE o.ended_at > %(now)s - least(h.silence_minutes, %(grace_minutes)s) * interval '1 minute' END
  AND EXISTS (SELECT FROM signal s WHERE s.home_id = h.id AND s.held AND s.kind IN ('hub_silent', 'device_silent')
              AND s.received_at >= o.began_at - interval '15 minutes' AND s.received_at <= coalesce(o.ended_at, %(now)s))
ORDER BY o.ended_at DESC NULLS FIRST LIMIT 1;

-- name: windows_over
-- Shared: whoever cancels one waits for what it quiets just now; and one that is being cancelled quiets no more.
SELECT w.id, w.starts_at, w.ends_at, w.weekdays, w.from_time, w.to_time, w.timezone FROM quiet_window w
WHERE w.cancelled_at IS NULL AND w.starts_at <= %(now)s AND w.ends_at > %(now)s AND (w.kinds = '{}' OR %(kind)s = ANY(w.kinds))
  AND CASE w.scope
      WHEN 'city' THEN true
      WHEN 'district' THEN w.district_id = %(district_id)s
      WHEN 'building' THEN EXISTS (SELECT FROM home h WHERE h.id = %(home_id)s AND h.district_id = w.district_id AND h.building = w.building)
           OR %(device_code)s = 'building.' || (SELECT d.code FROM district d WHERE d.id = w.district_id) || '.' || w.building
      WHEN 'home' THEN w.home_id = %(home_id)s
      ELSE w.device_code = %(device_code)s END
ORDER BY w.id LIMIT 100 FOR SHARE SKIP LOCKED;

-- name: rises
-- How often within so long, and when its last alert was closed.
SELECT (SELECT count(*) FROM signal s WHERE s.device_code = %(device_code)s AND s.kind = %(kind)s AND NOT s.held
        AND s.received_at > %(now)s - %(within)s::interval AND s.received_at <= %(now)s) AS rises,
       (SELECT max(a.resolved_at) FROM alert a WHERE a.device_code = %(device_code)s AND a.kind = %(kind)s AND a.state = 'resolved'
        AND a.home_id = %(home_id)s) AS closed_at;

-- name: quiet_it
INSERT INTO quieted (cause, window_id, outage_id, home_id, district_id, device_code, kind, severity, why, seq, first_at, last_at, due_at)
VALUES (%(cause)s, %(window_id)s, %(outage_id)s, %(home_id)s, %(district_id)s, %(device_code)s, %(kind)s, %(severity)s, %(why)s, %(seq)s, %(now)s, %(now)s, %(due_at)s)
ON CONFLICT (kind, coalesce('home ' || home_id, ''), coalesce(device_code, '')) WHERE ended IS NULL
DO UPDATE SET times = quieted.times + 1, last_at = EXCLUDED.last_at, why = EXCLUDED.why, seq = EXCLUDED.seq,
              due_at = CASE WHEN quieted.cause = 'flap' AND EXCLUDED.cause = 'flap' THEN EXCLUDED.due_at ELSE quieted.due_at END;

-- name: claim_quieted
SELECT id, cause, window_id, outage_id, home_id, district_id, device_code, kind, severity, why, seq, times, first_at, last_at
FROM quieted WHERE due_at <= %(now)s ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: quieted_postponed
UPDATE quieted SET due_at = %(now)s + interval '30 seconds' WHERE id = %(id)s;

-- name: look_at_quieted_again
UPDATE quieted SET due_at = %(due_at)s WHERE id = %(id)s;

-- name: end_quieted
UPDATE quieted SET due_at = NULL, ended = %(ended)s, ended_at = %(now)s WHERE id = %(id)s;

-- name: quieted_became
UPDATE quieted SET alert_id = %(alert_id)s WHERE id = %(id)s;

-- name: held_beneath
-- What was not said because of what this alert says: the alarms of the place that is dark, or of the device that flaps.
WITH a AS (SELECT * FROM alert WHERE id = %(id)s),
place AS (
    SELECT o.id, o.began_at, o.ended_at, coalesce(o.district_id, o.building_district_id) AS district_id, o.building
    FROM a JOIN outage o ON o.began_at BETWEEN a.opened_at - interval '15 minutes' AND a.opened_at
    JOIN district d ON d.id = coalesce(o.district_id, o.building_district_id)
    WHERE a.device_code = CASE WHEN o.building IS NULL THEN 'district.' || d.code ELSE 'building.' || d.code || '.' || o.building END
)
SELECT s.kind, s.device_code AS device, h.code AS home, s.received_at AS first_at, 1 AS times
FROM place p JOIN home h ON h.district_id = p.district_id AND (p.building IS NULL OR h.building = p.building)
JOIN signal s ON s.home_id = h.id AND s.held AND s.kind IN ('hub_silent', 'device_silent')
 AND s.received_at >= p.began_at - interval '15 minutes' AND s.received_at <= coalesce(p.ended_at, 'infinity')
UNION ALL
SELECT q.kind, q.device_code, h.code, q.first_at, q.times FROM quieted q LEFT JOIN home h ON h.id = q.home_id
WHERE q.outage_id IN (SELECT id FROM place)
   OR (q.cause = 'flap' AND EXISTS (SELECT FROM a WHERE a.kind = 'flapping' AND a.device_code = q.device_code AND q.last_at >= a.opened_at))
ORDER BY first_at DESC LIMIT 200;
