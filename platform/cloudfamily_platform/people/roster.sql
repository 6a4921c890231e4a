-- name: on_duty
-- Those on shift; everybody who has the role when nobody is.
WITH had AS (SELECT d.*, bool_or(d.on_shift) OVER () AS somebody FROM duty(%(role)s, %(district_id)s::smallint, %(at)s) d)
SELECT had.person_id, p.name, had.rostered, had.on_shift FROM had JOIN person p ON p.id = had.person_id AND NOT p.canary
WHERE had.on_shift OR NOT had.somebody ORDER BY had.person_id LIMIT 200;

-- name: live_rotations
SELECT r.id, r.name, r.district_id, r.role, r.timezone, r.starts_on, r.handover_days, r.shifts, r.holidays, r.on_holidays,
       d.code AS district, ARRAY(SELECT m.person_id FROM rotation_person m WHERE m.rotation_id = r.id ORDER BY m.place) AS people,
       ARRAY(SELECT p.code FROM rotation_person m JOIN person p ON p.id = m.person_id WHERE m.rotation_id = r.id ORDER BY m.place) AS codes
FROM rotation r LEFT JOIN district d ON d.id = r.district_id
WHERE r.ended_at IS NULL AND (%(id)s::integer IS NULL OR r.id = %(id)s) ORDER BY r.id LIMIT 5000;

-- name: lock_rosters
SELECT pg_advisory_xact_lock(hashtext('roster'));

-- name: add_rotation
INSERT INTO rotation (name, district_id, role, timezone, starts_on, handover_days, shifts, holidays, on_holidays)
VALUES (%(name)s, %(district_id)s, %(role)s, %(timezone)s, %(starts_on)s, %(handover_days)s, %(shifts)s, %(holidays)s, %(on_holidays)s)
ON CONFLICT (coalesce(district_id, 0), role, name) WHERE ended_at IS NULL
DO UPDATE SET timezone = EXCLUDED.timezone, starts_on = EXCLUDED.starts_on, handover_days = EXCLUDED.handover_days, shifts = EXCLUDED.shifts,
              holidays = EXCLUDED.holidays, on_holidays = EXCLUDED.on_holidays
RETURNING id;

-- name: set_rotation_people
WITH gone AS (DELETE FROM rotation_person WHERE rotation_id = %(id)s AND place >= cardinality(%(people)s::bigint[]))
INSERT INTO rotation_person (rotation_id, place, person_id)
SELECT %(id)s, w.place - 1, w.person_id FROM unnest(%(people)s::bigint[]) WITH ORDINALITY AS w(person_id, place)
ON CONFLICT (rotation_id, place) DO UPDATE SET person_id = EXCLUDED.person_id;

-- name: end_rotation
UPDATE rotation SET ended_at = %(now)s WHERE id = %(id)s AND ended_at IS NULL;

-- name: written_shifts
SELECT id, person_id, greatest(starts_at, %(now)s) AS starts_at, ends_at FROM shift WHERE rotation_id = %(id)s AND ends_at > %(now)s ORDER BY starts_at;

-- name: end_shifts
-- What has begun ends now; what has not never was.
WITH gone AS (DELETE FROM shift WHERE id = ANY(%(ids)s::bigint[]) AND starts_at >= %(now)s)
UPDATE shift SET ends_at = %(now)s WHERE id = ANY(%(ids)s::bigint[]) AND starts_at < %(now)s AND ends_at > %(now)s;

-- name: write_shifts
INSERT INTO shift (person_id, role, district_id, starts_at, ends_at, rotation_id)
SELECT w.person_id, %(role)s, %(district_id)s, w.starts_at, w.ends_at, %(id)s
FROM unnest(%(people)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w(person_id, starts_at, ends_at);

-- name: overrides
-- Those that matter, and only where who takes over has the role that they would take.
SELECT o.instead_of, o.person_id, o.starts_at, o.ends_at FROM override o
WHERE o.instead_of = ANY(%(people)s::bigint[]) AND o.ends_at > %(since)s
  AND EXISTS (SELECT FROM role r WHERE r.person_id = o.person_id AND r.role = %(role)s AND (r.district_id IS NULL OR r.district_id = %(district_id)s))
ORDER BY o.id LIMIT 2000;

-- name: add_override
INSERT INTO override (instead_of, person_id, starts_at, ends_at, created_by) VALUES (%(instead_of)s, %(person_id)s, %(starts_at)s, %(ends_at)s, %(by)s) RETURNING id;

-- name: override_by_id
SELECT id, instead_of, person_id, starts_at, ends_at FROM override WHERE id = %(id)s;

-- name: remove_override
-- One that has begun ends now: who was on duty until then is known for good.
WITH gone AS (DELETE FROM override WHERE id = %(id)s AND starts_at >= %(now)s)
UPDATE override SET ends_at = %(now)s WHERE id = %(id)s AND starts_at < %(now)s AND ends_at > %(now)s;

-- name: rotations_of_person
SELECT r.id, r.district_id, r.role FROM rotation r WHERE r.ended_at IS NULL
  AND EXISTS (SELECT FROM rotation_person m WHERE m.rotation_id = r.id AND m.person_id = %(person_id)s) ORDER BY r.id LIMIT 500;

-- name: who_has_role
SELECT p.id, p.code, EXISTS (SELECT FROM role r WHERE r.person_id = p.id AND r.role = %(role)s
                             AND (r.district_id IS NULL OR r.district_id = %(district_id)s)) AS has_role
FROM person p WHERE p.code = ANY(%(codes)s) AND NOT p.canary;

-- name: district_by_code
SELECT id FROM district WHERE code = %(code)s;

-- name: add_shift
INSERT INTO shift (person_id, role, district_id, starts_at, ends_at) VALUES (%(person_id)s, %(role)s, %(district_id)s, %(starts_at)s, %(ends_at)s) RETURNING id;

-- name: single_shift
SELECT id, district_id FROM shift WHERE id = %(id)s AND rotation_id IS NULL AND ends_at > %(now)s;

-- name: shifts
SELECT s.id, p.code AS person, p.name, s.role, d.code AS district, s.starts_at, s.ends_at, r.name AS rotation
FROM shift s JOIN person p ON p.id = s.person_id LEFT JOIN district d ON d.id = s.district_id LEFT JOIN rotation r ON r.id = s.rotation_id
WHERE s.starts_at < %(until)s AND s.ends_at > %(since)s AND (%(district)s::text IS NULL OR d.code = %(district)s OR s.district_id IS NULL)
  AND (%(whole_city)s OR s.district_id IS NULL OR s.district_id = ANY(%(districts)s))
ORDER BY s.starts_at, s.id LIMIT 2000;

-- name: open_overrides
SELECT o.id, a.code AS instead_of, b.code AS person, o.starts_at, o.ends_at
FROM override o JOIN person a ON a.id = o.instead_of JOIN person b ON b.id = o.person_id
WHERE o.ends_at > %(since)s AND o.starts_at < %(until)s ORDER BY o.starts_at LIMIT 500;
