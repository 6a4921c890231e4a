-- name: people_of_words
-- Whom the words of one turn name, in the order in which they are told. `number` of the telling: that of the turn, and never
-- one at which somebody was told already, for an alert whose device finds its home begins anew.
WITH place AS (
    SELECT 'operators' AS word, 'operator' AS role, %(district_id)s::smallint AS district_id
    UNION ALL SELECT 'supervisors', 'supervisor', %(district_id)s::smallint
    UNION ALL SELECT 'neighbours', 'operator', n.neighbour_id FROM neighbour n WHERE n.district_id = %(district_id)s::smallint
), had AS (
    SELECT l.word, d.*, bool_or(d.on_shift) OVER (PARTITION BY l.word, l.district_id) AS somebody
    FROM place l CROSS JOIN LATERAL duty(l.role, l.district_id, %(at)s) d JOIN person p ON p.id = d.person_id AND p.canary = %(canary)s
    WHERE l.word = ANY(%(words)s::text[])
), called AS (
    SELECT 'family' AS word, c.person_id, row_number() OVER (ORDER BY c.rank) AS rank, false AS off_duty
    FROM contact c JOIN person p ON p.id = c.person_id AND p.canary = %(canary)s WHERE c.home_id = %(home_id)s
    UNION ALL
    SELECT word, person_id, NULL, rostered AND NOT somebody AND NOT %(canary)s FROM had WHERE on_shift OR NOT somebody
)
SELECT c.*, (SELECT greatest(%(step)s, coalesce(max(n.round) + 1, 0)) FROM notification n WHERE n.alert_id = %(id)s AND n.message = 'alert') AS number
FROM called c ORDER BY c.rank NULLS LAST, c.person_id LIMIT 500;

-- name: call_in
INSERT INTO alert_guest (alert_id, person_id) SELECT %(id)s, unnest(%(people)s::bigint[]) ON CONFLICT DO NOTHING;

-- name: policies
SELECT p.id, p.code, p.version, d.code AS district, p.district_id, p.kind, p.severity, p.plan, p.active, p.created_at, who.name AS created_by
FROM policy p LEFT JOIN district d ON d.id = p.district_id LEFT JOIN person who ON who.id = p.created_by
WHERE (%(code)s::text IS NULL AND p.active OR p.code = %(code)s)
ORDER BY p.district_id NULLS FIRST, p.severity, p.kind NULLS FIRST, p.version DESC LIMIT 1000;

-- name: policy_by_id
SELECT p.id, p.code, p.version, p.plan FROM policy p WHERE p.id = policy_for(%(district_id)s::smallint, %(kind)s, %(severity)s);

-- name: lock_policies
SELECT pg_advisory_xact_lock(hashtext('policy'));

-- name: policy_in_place
-- The one that is in force in exactly this place.
SELECT id, code, version, plan FROM policy
WHERE active AND severity = %(severity)s AND district_id IS NOT DISTINCT FROM %(district_id)s::smallint AND kind IS NOT DISTINCT FROM %(kind)s::text
ORDER BY version DESC, id DESC LIMIT 1;

-- name: retire_policies
UPDATE policy SET active = false
WHERE active AND severity = %(severity)s AND district_id IS NOT DISTINCT FROM %(district_id)s::smallint AND kind IS NOT DISTINCT FROM %(kind)s::text;

-- name: add_policy
INSERT INTO policy (code, version, district_id, kind, severity, plan, created_at, created_by)
SELECT %(code)s, coalesce(max(version), 0) + 1, %(district_id)s, %(kind)s, %(severity)s, %(plan)s, %(now)s, %(by)s FROM policy WHERE code = %(code)s
RETURNING id, version;

-- name: neighbours
SELECT d.code AS district, o.code AS neighbour FROM neighbour n JOIN district d ON d.id = n.district_id JOIN district o ON o.id = n.neighbour_id ORDER BY 1, 2;

-- name: districts
SELECT id, code FROM district WHERE code <> 'canary' ORDER BY id LIMIT 1000;

-- name: set_neighbours
WITH gone AS (DELETE FROM neighbour WHERE district_id = %(district_id)s AND neighbour_id <> ALL(%(neighbours)s::smallint[]))
INSERT INTO neighbour (district_id, neighbour_id) SELECT %(district_id)s, unnest(%(neighbours)s::smallint[]) ON CONFLICT DO NOTHING;

-- name: home_of_contact
SELECT h.id, h.code, h.lat, h.lon, h.district_id, h.canary FROM home h JOIN contact c ON c.home_id = h.id
WHERE h.code = %(code)s AND c.person_id = %(person_id)s;

-- name: names_of
SELECT id, name FROM person WHERE id = ANY(%(people)s);

-- name: home_to_preview
SELECT id, code, lat, lon, district_id, canary FROM home WHERE code = %(code)s;
