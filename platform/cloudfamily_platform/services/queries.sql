-- name: claim_response
SELECT r.id, r.alert_id, r.person_id, r.there_at, r.ended_at, r.closed_by, a.home_id, a.canary
FROM response r JOIN alert a ON a.id = r.alert_id
WHERE r.due_at <= %(now)s ORDER BY r.due_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED;

-- name: response_postponed
UPDATE response SET due_at = %(now)s + interval '5 minutes' WHERE id = %(id)s;

-- name: response_done
UPDATE response SET due_at = NULL WHERE id = %(id)s;

-- name: add_visit
INSERT INTO visit (response_id, home_id, person_id, started_at, ended_at, canary)
VALUES (%(id)s, %(home_id)s, %(person_id)s, %(there_at)s, %(ended_at)s, %(canary)s)
ON CONFLICT (response_id) DO NOTHING RETURNING id;

-- name: verify_visit
UPDATE visit SET verified_at = %(now)s, verified_by = %(verified_by)s, credit_due_at = %(now)s
WHERE id = %(id)s AND verified_at IS NULL AND person_id <> %(verified_by)s RETURNING id;

-- name: family_but_the_visitor
SELECT person_id FROM contact WHERE home_id = %(home_id)s AND person_id <> %(person_id)s ORDER BY rank LIMIT 20;

-- name: visit_by_id
SELECT v.id, v.person_id, v.home_id, v.verified_at, v.canary, h.district_id,
       ARRAY(SELECT c.person_id FROM contact c WHERE c.home_id = v.home_id) AS family
FROM visit v JOIN home h ON h.id = v.home_id WHERE v.id = %(id)s;

-- name: visits
SELECT v.id, p.name AS person, h.code AS home, v.started_at, v.ended_at, v.verified_at,
       (extract(epoch FROM v.ended_at - v.started_at) / 60)::int AS minutes,
       v.verified_at IS NOT NULL AND v.credit_due_at IS NULL AS credited
FROM visit v JOIN person p ON p.id = v.person_id JOIN home h ON h.id = v.home_id
WHERE v.canary = %(canary)s AND (v.verified_at IS NOT NULL) = %(verified)s
  AND ((%(oversees)s AND (%(whole_city)s OR h.district_id = ANY(%(districts)s)))
       OR EXISTS (SELECT FROM contact c WHERE c.home_id = v.home_id AND c.person_id = %(person_id)s) OR v.person_id = %(person_id)s)
ORDER BY v.ended_at DESC LIMIT %(limit)s;
