-- name: covered_districts
-- Those in which somebody lives; a place of canaries alone is not looked at.
SELECT d.id, d.code, d.name_zh, d.name_en FROM district d
WHERE EXISTS (SELECT FROM home h WHERE h.district_id = d.id AND NOT h.canary) AND (%(whole_city)s OR d.id = ANY(%(districts)s)) ORDER BY d.code;

-- name: home_facts
-- Homes by what is true of them: a row for each district and combination, with the codes of the first of them. Who can be sent is
-- found by cells of about 1.1 km: a cell that lies wholly within somebody's reach needs no look at its homes.
WITH able AS MATERIALIZED (
    SELECT r.lat, r.lon, r.reach_m, %(critical_skill)s = ANY(r.skills) AS helps, %(high_skill)s = ANY(r.skills) AS visits
    FROM responder r JOIN person p ON p.id = r.person_id AND NOT p.canary
    WHERE r.on_duty AND EXISTS (SELECT FROM role w WHERE w.person_id = r.person_id AND w.role IN ('caregiver', 'volunteer'))
      AND EXISTS (SELECT FROM reach x WHERE x.person_id = r.person_id AND x.dead_at IS NULL)
), lived AS MATERIALIZED (
    SELECT h.id, h.code, h.district_id, h.lat, h.lon, floor(h.lat * 100)::int AS y, floor(h.lon * 100)::int AS x
    FROM home h WHERE NOT h.canary AND (%(whole_city)s OR h.district_id = ANY(%(districts)s))
), cell AS MATERIALIZED (
    SELECT y, x, (y + 0.5)::float8 / 100 AS lat, (x + 0.5)::float8 / 100 AS lon FROM lived GROUP BY y, x
), pair AS MATERIALIZED (
    -- No place in a cell is further than 790 m from its middle.
    SELECT c.y, c.x, a.*, great_circle_m(c.lat, c.lon, a.lat, a.lon) <= a.reach_m - 790 AS is_sure
    FROM cell c JOIN able a ON (a.helps OR a.visits) AND abs(a.lat - c.lat) * 111100 <= a.reach_m + 790
     AND great_circle_m(c.lat, c.lon, a.lat, a.lon) <= a.reach_m + 790
), sure AS (
    SELECT y, x, count(*) FILTER (WHERE helps AND is_sure) AS helpers, count(*) FILTER (WHERE visits AND is_sure) AS visitors FROM pair GROUP BY y, x
), measured AS (
    SELECT l.id, count(*) FILTER (WHERE a.helps) AS helpers, count(*) FILTER (WHERE a.visits) AS visitors
    FROM lived l JOIN sure s ON s.y = l.y AND s.x = l.x AND (s.helpers < 2 OR s.visitors < 1)
    JOIN pair a ON a.y = l.y AND a.x = l.x AND NOT a.is_sure
    WHERE great_circle_m(l.lat, l.lon, a.lat, a.lon) <= a.reach_m GROUP BY l.id
), family AS (
    SELECT c.home_id, count(DISTINCT c.person_id) AS contacts, min(c.rank) FILTER (WHERE x.person_id IS NOT NULL) AS first_rank
    FROM contact c LEFT JOIN reach x ON x.person_id = c.person_id AND x.dead_at IS NULL GROUP BY c.home_id
), fact AS (
    SELECT l.district_id, l.code, least(coalesce(f.contacts, 0), 2)::int AS contacts, f.first_rank,
           least(coalesce(s.helpers, 0) + coalesce(m.helpers, 0), 2)::int AS helpers, coalesce(s.visitors, 0) + coalesce(m.visitors, 0) > 0 AS has_visitor,
           EXISTS (SELECT FROM device v WHERE v.home_id = l.id AND v.kind = ANY(%(alarm_kinds)s)) AS has_button
    FROM lived l LEFT JOIN family f ON f.home_id = l.id
    LEFT JOIN sure s ON s.y = l.y AND s.x = l.x LEFT JOIN measured m ON m.id = l.id
)
SELECT district_id, contacts, first_rank, helpers, has_visitor, has_button, count(*) AS homes, (array_agg(code ORDER BY code))[:%(limit)s] AS codes
FROM fact GROUP BY district_id, contacts, first_rank, helpers, has_visitor, has_button ORDER BY district_id, min(code);

-- name: people_without_a_way
-- Who is on a policy and has no live way, or missed their last test by all that they have. Each partition has one severity.
WITH way AS (
    SELECT o.person_id, o.district_id, bool_or(o.part <> 'family') AS is_staff FROM tellable o
    WHERE %(whole_city)s OR o.district_id IS NULL OR o.district_id = ANY(%(districts)s) GROUP BY o.person_id, o.district_id
), judged AS (
    SELECT w.*, x.ways, x.live, x.missed
    FROM way w LEFT JOIN LATERAL (
        SELECT count(*) AS ways, count(*) FILTER (WHERE x.dead_at IS NULL) AS live, min(coalesce(u.times, 0)) FILTER (WHERE x.dead_at IS NULL) AS missed
        FROM reach x LEFT JOIN unreached u ON u.person_id = x.person_id AND u.channel = x.channel WHERE x.person_id = w.person_id) x ON true
    WHERE x.live = 0 OR x.missed > 0
), sorted AS (
    SELECT CASE WHEN ways = 0 THEN 'no_channel' WHEN live = 0 THEN 'dead_channel' ELSE 'unanswered' END AS kind, j.*,
           c.home, j.is_staff OR c.rank = 1 AS is_first, coalesce(j.missed, 0) > 1 AS is_again
    FROM judged j CROSS JOIN LATERAL (
        SELECT min(c.rank) AS rank, min(h.code) AS home FROM contact c JOIN home h ON h.id = c.home_id AND NOT h.canary AND h.district_id = j.district_id
        WHERE c.person_id = j.person_id) c
), numbered AS (
    SELECT s.*, p.code, p.name, count(*) OVER part AS total, row_number() OVER (part ORDER BY p.code, s.district_id) AS number
    FROM sorted s JOIN person p ON p.id = s.person_id WINDOW part AS (PARTITION BY s.kind, s.is_first, s.is_again)
)
SELECT kind, district_id, code, name, home, is_first, is_again, coalesce(missed, 0) AS missed, total, number
FROM numbered WHERE number <= greatest(%(limit)s, 1) ORDER BY kind, number;

-- name: rosters
-- Every role of a district, and of the whole city, that has shifts at all; with those of the days that are looked at.
SELECT role, district_id, max(ends_at) AS ends_at,
       coalesce(array_agg(person_id ORDER BY starts_at, id) FILTER (WHERE ends_at > %(now)s AND starts_at < %(until)s), '{}') AS people,
       coalesce(array_agg(starts_at ORDER BY starts_at, id) FILTER (WHERE ends_at > %(now)s AND starts_at < %(until)s), '{}') AS begins,
       coalesce(array_agg(ends_at ORDER BY starts_at, id) FILTER (WHERE ends_at > %(now)s AND starts_at < %(until)s), '{}') AS ends
FROM shift GROUP BY role, district_id ORDER BY role, district_id NULLS FIRST;

-- name: active_policies
-- In the order in which an alert finds its own.
SELECT code, version, district_id, severity, plan FROM policy WHERE active ORDER BY severity, district_id NULLS LAST, version DESC;

-- name: reachable_of
SELECT count(DISTINCT person_id) AS people FROM reach WHERE dead_at IS NULL AND person_id = ANY(%(people)s);

-- name: forget_coverage
DELETE FROM coverage_count;

-- name: keep_coverage
INSERT INTO coverage_count (kind, problems, counted_at) SELECT kind, problems, %(now)s FROM unnest(%(kinds)s::text[], %(counts)s::int[]) AS found (kind, problems);

-- name: coverage_counts
SELECT kind, problems FROM coverage_count;
