-- name: recent_vitals
-- The newest of each quantity that the same elder's devices have said: what somebody else in the home wears is not theirs.
WITH theirs AS (
    SELECT w.id FROM device v JOIN device w ON w.id = v.id
        OR (w.home_id = v.home_id AND v.home_id = %(home_id)s AND w.person_id IS NOT DISTINCT FROM v.person_id)
    WHERE v.code = %(device)s
), wearer AS (SELECT home_id, person_id FROM device WHERE code = %(device)s)
SELECT q.number AS quantity, r.value, coalesce((
           SELECT l.scale FROM vital_limit l, wearer o WHERE l.home_id = o.home_id AND l.quantity = 21 AND (l.person_id IS NULL OR l.person_id = o.person_id)
           ORDER BY l.person_id IS NULL, l.id DESC LIMIT 1), 1) AS scale
FROM unnest(%(numbers)s::smallint[]) AS q(number)
CROSS JOIN LATERAL (
    SELECT n.value FROM theirs t CROSS JOIN LATERAL (
        SELECT r.time, r.value FROM reading r WHERE r.device_id = t.id AND r.quantity = q.number AND r.time > %(since)s AND r.time <= %(at)s
        ORDER BY r.time DESC LIMIT 1) n
    ORDER BY n.time DESC LIMIT 1) r;
