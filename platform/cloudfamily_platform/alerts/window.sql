-- name: place_of_window
-- Where a window is to hold: its district, and the zone of most homes there. No row: there is no such place. City: no district.
SELECT d.id AS district_id, h.id AS home_id, v.code AS device_code,
       coalesce(h.timezone, (SELECT x.timezone FROM home x WHERE (d.id IS NULL OR x.district_id = d.id) AND NOT x.canary
                             GROUP BY x.timezone ORDER BY count(*) DESC, x.timezone LIMIT 1), 'Asia/Shanghai') AS timezone,
       EXISTS (SELECT FROM contact c WHERE c.home_id = h.id AND c.person_id = %(person_id)s) AS family
FROM (SELECT) one
LEFT JOIN device v ON %(scope)s = 'device' AND v.code = %(device)s
LEFT JOIN home h ON NOT h.canary AND (h.id = v.home_id OR (%(scope)s = 'home' AND h.code = %(home)s))
LEFT JOIN district d ON d.id = h.district_id OR (%(scope)s IN ('district', 'building') AND d.code = %(district)s)
WHERE CASE %(scope)s WHEN 'city' THEN true WHEN 'district' THEN d.id IS NOT NULL
      WHEN 'building' THEN EXISTS (SELECT FROM home b WHERE b.district_id = d.id AND b.building = %(building)s)
      ELSE h.id IS NOT NULL END;

-- name: add_window
INSERT INTO quiet_window (scope, district_id, building, home_id, device_code, kinds, starts_at, ends_at, weekdays, from_time, to_time, timezone,
                          reason, made_by, made_at)
SELECT %(scope)s, %(district_id)s, %(building)s, %(home_id)s, %(device_code)s, %(kinds)s::text[], %(starts_at)s, %(ends_at)s,
       %(weekdays)s::smallint[], %(from_time)s, %(to_time)s, %(timezone)s, %(reason)s, %(made_by)s, %(now)s
WHERE (SELECT count(*) FROM quiet_window w WHERE w.cancelled_at IS NULL AND w.ends_at > %(now)s AND w.scope = %(scope)s
       AND w.district_id IS NOT DISTINCT FROM %(district_id)s::smallint AND w.building IS NOT DISTINCT FROM %(building)s::text
       AND w.home_id IS NOT DISTINCT FROM %(home_id)s::int AND w.device_code IS NOT DISTINCT FROM %(device_code)s::text) < %(most)s
RETURNING id;

-- name: windows
SELECT w.*, d.code AS district, coalesce(h.code, vh.code) AS home, maker.name AS made_by_name, ender.name AS cancelled_by_name,
       (SELECT count(*) FROM quieted q WHERE q.window_id = w.id) AS held,
       (SELECT count(*) FROM quieted q WHERE q.window_id = w.id AND q.ended IS NULL) AS waiting,
       EXISTS (SELECT FROM contact c WHERE c.person_id = %(person_id)s AND c.home_id = coalesce(w.home_id, v.home_id)) AS family
FROM quiet_window w JOIN person maker ON maker.id = w.made_by LEFT JOIN person ender ON ender.id = w.cancelled_by
LEFT JOIN district d ON d.id = w.district_id LEFT JOIN home h ON h.id = w.home_id
LEFT JOIN device v ON v.code = w.device_code LEFT JOIN home vh ON vh.id = v.home_id
WHERE (%(id)s::bigint IS NULL OR w.id = %(id)s::bigint) AND (%(past)s OR (w.cancelled_at IS NULL AND w.ends_at > %(now)s))
  AND ((%(oversees)s AND (%(whole_city)s OR w.district_id IS NULL OR w.district_id = ANY(%(districts)s::smallint[])))
       OR EXISTS (SELECT FROM contact c WHERE c.person_id = %(person_id)s AND c.home_id = coalesce(w.home_id, v.home_id)))
ORDER BY w.id DESC LIMIT %(limit)s;

-- name: cancel_window
UPDATE quiet_window SET cancelled_at = %(now)s, cancelled_by = %(person_id)s WHERE id = %(id)s AND cancelled_at IS NULL AND ends_at > %(now)s RETURNING id;

-- name: window_is_over
-- What it quieted is judged anew at once.
UPDATE quieted SET due_at = least(due_at, %(now)s) WHERE window_id = %(id)s AND ended IS NULL;

-- name: held_by_window
SELECT q.id, q.kind, q.severity, q.why, h.code AS home, q.device_code AS device, q.times, q.first_at, q.last_at, q.due_at, q.ended, q.ended_at, q.alert_id
FROM quieted q LEFT JOIN home h ON h.id = q.home_id WHERE q.window_id = %(id)s ORDER BY q.ended IS NOT NULL, q.id DESC LIMIT %(limit)s;

-- name: alerts_in_scope
-- What could have been quiet there: never life safety, and never what nobody may quiet.
SELECT a.id, a.kind, a.severity, a.why, h.code AS home, a.device_code AS device, a.opened_at, a.presses, a.outcome
FROM alert a LEFT JOIN home h ON h.id = a.home_id
WHERE NOT a.canary AND a.severity <> 'critical' AND a.opened_at >= %(since)s AND a.opened_at <= %(now)s
  AND (cardinality(%(kinds)s::text[]) = 0 OR a.kind = ANY(%(kinds)s::text[])) AND NOT a.kind = ANY(%(never)s::text[])
  AND CASE %(scope)s
      WHEN 'city' THEN true
      WHEN 'district' THEN a.district_id = %(district_id)s
      WHEN 'building' THEN (h.district_id = %(district_id)s AND h.building = %(building)s)
           OR a.device_code = 'building.' || (SELECT d.code FROM district d WHERE d.id = %(district_id)s) || '.' || %(building)s
      WHEN 'home' THEN a.home_id = %(home_id)s
      ELSE a.device_code = %(device_code)s END
ORDER BY a.opened_at DESC LIMIT %(most)s;
