-- name: watch_homes_from
-- What happened while nobody listened is not known: nothing before now counts.
UPDATE watch_rule SET watched_from = %(now)s WHERE due_at IS NOT NULL;

-- name: is_family
SELECT EXISTS (SELECT FROM contact WHERE home_id = %(home_id)s AND person_id = %(person_id)s) AS family;

-- name: residents
SELECT p.id, p.code, p.name FROM resident s JOIN person p ON p.id = s.person_id WHERE s.home_id = %(home_id)s ORDER BY p.id LIMIT 10;

-- name: own_limits
SELECT DISTINCT ON (l.quantity) l.quantity, l.low, l.high, l.urgent_low, l.urgent_high, l.scale, l.at, p.name AS by
FROM vital_limit l LEFT JOIN person p ON p.id = l.set_by
WHERE l.home_id = %(home_id)s AND l.person_id IS NOT DISTINCT FROM %(elder_id)s ORDER BY l.quantity, l.id DESC;

-- name: add_limit
INSERT INTO vital_limit (home_id, person_id, quantity, low, high, urgent_low, urgent_high, scale, set_by, at)
VALUES (%(home_id)s, %(elder_id)s, %(quantity)s, %(low)s, %(high)s, %(urgent_low)s, %(urgent_high)s, %(scale)s, %(set_by)s, %(now)s);

-- name: fences_of_home
SELECT f.name, e.code AS elder, f.lat, f.lon, f.radius_m, f.starts, f.ends, f.at AS set_at, p.name AS set_by
FROM geofence f LEFT JOIN person e ON e.id = f.person_id LEFT JOIN person p ON p.id = f.set_by
WHERE f.home_id = %(home_id)s AND f.ended_at IS NULL ORDER BY f.id LIMIT 20;

-- name: end_fences
UPDATE geofence SET ended_at = %(now)s, changed_at = %(now)s WHERE home_id = %(home_id)s AND ended_at IS NULL;

-- name: add_fence
INSERT INTO geofence (home_id, person_id, name, lat, lon, radius_m, starts, ends, set_by, at, changed_at)
VALUES (%(home_id)s, %(elder_id)s, %(name)s, %(lat)s, %(lon)s, %(radius_m)s, %(starts)s, %(ends)s, %(set_by)s, %(now)s, %(now)s);

-- name: device_name
SELECT name FROM device WHERE code = %(device)s;
