-- name: limits_changed
SELECT home_id, person_id, quantity, low, high, urgent_low, urgent_high, scale FROM vital_limit WHERE at >= %(since)s ORDER BY id;

-- name: fences_changed
-- All circles of the homes in which one was drawn or taken away; a row without a name: there is none any more.
SELECT h.id, f.person_id, h.timezone, f.name, f.lat, f.lon, f.radius_m, f.starts, f.ends
FROM (SELECT DISTINCT home_id FROM geofence WHERE changed_at >= %(since)s) c
JOIN home h ON h.id = c.home_id LEFT JOIN geofence f ON f.home_id = h.id AND f.ended_at IS NULL ORDER BY h.id, f.id;

-- name: level_again
UPDATE level SET since = %(at)s WHERE device_code = %(device)s AND kind = %(kind)s AND active AND since < %(at)s RETURNING active;
