-- name: may_go
SELECT role, severity, kind, allowed, skills, trained FROM may_go ORDER BY id;

-- name: need_of_home
SELECT h.lat, h.lon, h.needs, h.responder_sex AS sex, h.responder_sex_only AS sex_only, h.key_code IS NOT NULL AS key_code,
       ARRAY(SELECT DISTINCT language FROM resident s, unnest(s.languages) language WHERE s.home_id = h.id) AS languages
FROM home h WHERE h.id = %(home_id)s;

-- name: candidates
-- Where they are: the place they told us, if that is recent, else where they start from, else their station. A role of a district
-- that has no shift at all is not rostered: it is always on duty. Each question is asked of all at once: a city has thousands.
WITH pool AS MATERIALIZED (
    SELECT r.*, p.sex, place.* FROM responder r JOIN person p ON p.id = r.person_id LEFT JOIN station s ON s.id = r.station_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.seen_at > %(seen_since)s THEN r.seen_lat WHEN r.lat IS NULL OR r.lon IS NULL THEN s.lat ELSE r.lat END AS now_lat,
               CASE WHEN r.seen_at > %(seen_since)s THEN r.seen_lon WHEN r.lat IS NULL OR r.lon IS NULL THEN s.lon ELSE r.lon END AS now_lon) place
    WHERE p.canary = %(canary)s
      -- Within their own reach, on a flat map and a little generously: the rule itself is matching.refusal.
      AND (%(lat)s::float8 IS NULL OR (abs(now_lat - %(lat)s) <= r.reach_m / 110000.0
                                       AND abs(now_lon - %(lon)s) <= r.reach_m / (110000.0 * greatest(cos(radians(%(lat)s)), 0.01))))
    -- Whoever has switched themselves off comes last.
    ORDER BY r.on_duty DESC, (now_lat - %(lat)s) ^ 2 + (now_lon - %(lon)s) ^ 2 LIMIT greatest(%(limit)s, 250)
), duty AS MATERIALIZED (
    SELECT w.person_id, w.role, w.district_id FROM pool JOIN role w ON w.person_id = pool.person_id WHERE w.role IN ('caregiver', 'volunteer')
), rostered AS MATERIALIZED (
    SELECT d.role, d.district_id FROM (SELECT DISTINCT role, district_id FROM duty) d
    WHERE EXISTS (SELECT FROM shift t WHERE t.role = d.role AND (t.district_id = d.district_id OR (t.district_id IS NULL AND d.district_id IS NULL)))
), serving AS (
    SELECT d.person_id, array_agg(DISTINCT d.role ORDER BY d.role) AS roles FROM duty d
    WHERE NOT EXISTS (SELECT FROM rostered t WHERE t.role = d.role AND t.district_id IS NOT DISTINCT FROM d.district_id)
       OR EXISTS (SELECT FROM shift t WHERE t.person_id = d.person_id AND t.role = d.role AND t.starts_at <= %(now)s AND t.ends_at > %(now)s
                  AND (t.district_id IS NULL OR d.district_id IS NULL OR t.district_id = d.district_id))
    GROUP BY d.person_id
), busy AS (
    SELECT DISTINCT person_id FROM response WHERE ended IS NULL
), recent AS (
    -- Where they went lately, and what they are asked now: nobody is asked by ten alerts at once while others are free.
    SELECT person_id, count(*) AS times FROM (
        SELECT person_id FROM response WHERE accepted_at > %(recent_since)s AND person_id IN (SELECT person_id FROM pool)
        UNION ALL SELECT person_id FROM offer WHERE due_at IS NOT NULL AND alert_id IS DISTINCT FROM %(alert_id)s AND person_id IN (SELECT person_id FROM pool)) load
    GROUP BY person_id
)
SELECT r.person_id, r.now_lat AS lat, r.now_lon AS lon, r.mode, r.reach_m, r.skills, r.trained, r.languages, r.sex, free.serving, b.person_id IS NOT NULL AS busy,
       k.person_id IS NOT NULL AS has_key, coalesce(c.times, 0) AS recent, o.id IS NOT NULL AS asked_before,
       coalesce(o.state IN ('offered', 'accepted', 'declined') OR (o.state = 'lapsed' AND NOT %(again)s), false)
           OR EXISTS (SELECT FROM response v WHERE v.alert_id = %(alert_id)s AND v.person_id = r.person_id) AS spent
FROM pool r LEFT JOIN serving d USING (person_id) LEFT JOIN busy b USING (person_id) LEFT JOIN recent c USING (person_id)
CROSS JOIN LATERAL (SELECT CASE WHEN r.on_duty THEN coalesce(d.roles, '{}') ELSE '{}' END AS serving) free
LEFT JOIN key_holder k ON k.home_id = %(home_id)s AND k.person_id = r.person_id
LEFT JOIN offer o ON o.alert_id = %(alert_id)s AND o.person_id = r.person_id
WHERE EXISTS (SELECT FROM duty w WHERE w.person_id = r.person_id)
ORDER BY b.person_id IS NOT NULL OR free.serving = '{}', (r.now_lat - %(lat)s) ^ 2 + (r.now_lon - %(lon)s) ^ 2, r.person_id LIMIT %(limit)s;

-- name: add_offers
-- Gives back who is asked: not who has it, is asked already or has declined.
INSERT INTO offer (alert_id, person_id, distance_m, why, offered_at, due_at)
SELECT %(alert_id)s, x.person_id, x.distance_m, x.why, %(now)s, %(due_at)s
FROM unnest(%(people)s::bigint[], %(distances_m)s::integer[], %(whys)s::jsonb[]) WITH ORDINALITY AS x(person_id, distance_m, why, place) ORDER BY x.place
ON CONFLICT (alert_id, person_id) DO UPDATE
SET state = 'offered', distance_m = EXCLUDED.distance_m, why = EXCLUDED.why, offered_at = EXCLUDED.offered_at, due_at = EXCLUDED.due_at, answered_at = NULL
WHERE offer.state IN ('lapsed', 'withdrawn') RETURNING person_id;

-- name: claim_offer
SELECT o.id, o.alert_id, o.person_id, a.state FROM offer o JOIN alert a ON a.id = o.alert_id
WHERE o.due_at <= %(now)s ORDER BY o.due_at LIMIT 1 FOR NO KEY UPDATE OF a SKIP LOCKED;

-- name: offer_postponed
UPDATE offer SET due_at = %(now)s + interval '30 seconds' WHERE id = %(id)s AND due_at IS NOT NULL;

-- name: was_asked
SELECT FROM offer WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s AND state = 'withdrawn';

-- name: end_offer
UPDATE offer SET state = %(state)s, due_at = NULL, answered_at = %(now)s, reason = %(reason)s
WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s AND state IN ('offered', 'lapsed') RETURNING id;

-- name: give_back_offer
-- Who has handed it back is not asked again, nor told of it any more.
UPDATE offer SET state = 'declined', due_at = NULL, reason = %(reason)s WHERE alert_id = %(id)s AND person_id = %(person_id)s;

-- name: lapse_offers
UPDATE offer SET state = 'lapsed', due_at = NULL WHERE alert_id = %(alert_id)s AND state = 'offered' AND due_at <= %(now)s RETURNING person_id;

-- name: withdraw_offers
UPDATE offer SET state = 'withdrawn', due_at = NULL WHERE alert_id = %(alert_id)s AND state IN ('offered', 'lapsed') RETURNING person_id;

-- name: offers
SELECT p.name AS person, o.state, o.distance_m, o.why, o.reason, o.offered_at, o.answered_at,
       (SELECT min(r.role) FROM role r WHERE r.person_id = p.id AND r.role IN ('caregiver', 'volunteer')) AS role
FROM offer o JOIN person p ON p.id = o.person_id WHERE o.alert_id = %(id)s ORDER BY o.offered_at, o.distance_m LIMIT 100;

-- name: responses
-- Everybody who went, with the clock of each step.
SELECT p.name AS person, v.accepted_at, v.on_the_way_at, v.there_at, v.inside_at, v.ended, v.ended_at, v.asked_at, v.silent_at
FROM response v JOIN person p ON p.id = v.person_id WHERE v.alert_id = %(id)s ORDER BY v.id LIMIT 100;

-- name: add_response
INSERT INTO response (alert_id, person_id, accepted_at, travel_s)
VALUES (%(id)s, %(person_id)s, %(now)s, (SELECT (why ->> 'travel_s')::integer FROM offer WHERE alert_id = %(id)s AND person_id = %(person_id)s));

-- name: on_the_way
UPDATE alert SET state = 'on_the_way', on_the_way_at = %(now)s, due_at = %(due_at)s WHERE id = %(id)s;

-- name: response_on_the_way
UPDATE response SET on_the_way_at = %(now)s WHERE alert_id = %(id)s AND ended IS NULL;

-- name: there
UPDATE alert SET state = 'there', there_at = %(now)s, due_at = %(due_at)s WHERE id = %(id)s;

-- name: response_there
UPDATE response SET there_at = %(now)s WHERE alert_id = %(id)s AND ended IS NULL;

-- name: inside
-- Who did not say that they had arrived has.
UPDATE alert SET state = 'inside', there_at = CASE WHEN state = 'there' THEN there_at ELSE %(now)s END, inside_at = %(now)s, due_at = %(due_at)s
WHERE id = %(id)s;

-- name: response_inside
UPDATE response SET there_at = coalesce(there_at, %(now)s), inside_at = %(now)s WHERE alert_id = %(id)s AND ended IS NULL;

-- name: drop_response
UPDATE response SET ended = 'dropped', ended_at = %(now)s, checkin_at = NULL, asked_at = NULL WHERE alert_id = %(id)s AND ended IS NULL RETURNING person_id;

-- name: release_response
UPDATE response SET ended = 'released', ended_at = %(now)s, checkin_at = NULL, asked_at = NULL WHERE alert_id = %(id)s AND ended IS NULL RETURNING person_id;

-- name: was_dropped
SELECT FROM response WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s AND ended = 'dropped' LIMIT 1;

-- name: key_holders
SELECT p.name, p.phone FROM key_holder k JOIN person p ON p.id = k.person_id WHERE k.home_id = %(home_id)s ORDER BY p.id LIMIT 5;

-- name: claim_checkin
SELECT v.id, v.alert_id, v.person_id FROM response v JOIN alert a ON a.id = v.alert_id
WHERE v.checkin_at <= %(now)s AND v.ended IS NULL ORDER BY v.checkin_at LIMIT 1 FOR NO KEY UPDATE OF a SKIP LOCKED;

-- name: live_response
SELECT v.id, v.person_id, v.checkin_at, v.asked_at, v.silent_at, v.travel_s, p.name,
       EXISTS (SELECT FROM contact c WHERE c.home_id = a.home_id AND c.person_id = v.person_id) AS is_family
FROM response v JOIN person p ON p.id = v.person_id JOIN alert a ON a.id = v.alert_id
WHERE v.alert_id = %(alert_id)s AND v.ended IS NULL;

-- name: checkin_asked
UPDATE response SET asked_at = %(now)s, checkin_at = %(due_at)s WHERE id = %(id)s;

-- name: checkin_silent
UPDATE response SET asked_at = NULL, silent_at = coalesce(silent_at, %(now)s), checkin_at = %(due_at)s WHERE id = %(id)s;

-- name: checkin_armed
UPDATE response SET asked_at = NULL, silent_at = NULL, checkin_at = %(due_at)s WHERE id = %(id)s;

-- name: checkin_postponed
UPDATE response SET checkin_at = %(now)s + interval '30 seconds' WHERE id = %(id)s AND ended IS NULL AND checkin_at IS NOT NULL;

-- name: give_time
UPDATE alert SET due_at = %(due_at)s WHERE id = %(id)s;

-- name: homes_to_reach
SELECT id, code, district_id, lat, lon FROM home WHERE NOT canary ORDER BY id;

-- name: names
SELECT id, name FROM person WHERE id = ANY(%(ids)s);
