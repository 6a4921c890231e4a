-- name: plan_reach_tests
-- Everybody's first way each week, every other way each fourth: at an hour of its own, by a hash, in the days' working hours of
-- this week and the next. A moment that has passed is not made up for: the next week brings another.
WITH person_on AS (
    SELECT DISTINCT person_id FROM tellable
), way AS (
    SELECT x.person_id, x.channel, row_number() OVER (PARTITION BY x.person_id ORDER BY x.rank, x.channel) AS place,
           hashtextextended(x.person_id || x.channel, 0) & 9223372036854775807 AS hash
    FROM reach x JOIN person_on USING (person_id) WHERE x.dead_at IS NULL
), planned AS (
    SELECT w.person_id, w.channel, monday::date AS week,
           (monday + (hash %% (7 * %(seconds)s)) / %(seconds)s * interval '1 day' + %(from_hour)s * interval '1 hour'
             + hash %% %(seconds)s * interval '1 second') AT TIME ZONE %(zone)s AS due_at
    FROM way w CROSS JOIN generate_series(date_trunc('week', %(now)s AT TIME ZONE %(zone)s),
                                          date_trunc('week', %(now)s AT TIME ZONE %(zone)s) + interval '1 week', '1 week') AS monday
    WHERE w.place = 1 OR (monday::date - date '2001-01-01') / 7 %% 4 = w.hash %% 4
)
INSERT INTO reach_test (person_id, channel, week, due_at)
SELECT person_id, channel, week, due_at FROM planned WHERE due_at > %(now)s
ON CONFLICT (person_id, channel, week) DO NOTHING;

-- name: forget_reach_tests
DELETE FROM reach_test WHERE due_at IS NULL AND week < %(before)s::date;

-- name: claim_reach_test
-- A test that is to be asked waits while others wait to be sent: an alarm must never queue behind them.
SELECT t.*, x.heard_at, x.person_id IS NOT NULL AS is_live,
       EXISTS (SELECT FROM tellable o WHERE o.person_id = t.person_id) AS is_wanted
FROM reach_test t LEFT JOIN reach x ON x.person_id = t.person_id AND x.channel = t.channel AND x.dead_at IS NULL
WHERE t.due_at <= %(now)s AND (SELECT count(*) FROM notification n
        WHERE n.message = 'reach_test' AND n.due_at IS NOT NULL AND (n.state = 'sending' OR n.due_at <= %(now)s)) < %(at_once)s
ORDER BY t.due_at, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED;

-- name: reach_test_postponed
UPDATE reach_test SET due_at = %(now)s + interval '10 minutes' WHERE id = %(id)s;

-- name: reach_test_later
UPDATE reach_test SET due_at = %(due_at)s, asked_at = %(asked_at)s WHERE id = %(id)s;

-- name: reach_test_over
UPDATE reach_test SET due_at = NULL, result = %(result)s, answered_at = %(answered_at)s WHERE id = %(id)s;

-- name: say_reach_test
INSERT INTO notification (person_id, channel, message, params, round, created_at, due_at)
VALUES (%(person_id)s, %(channel)s, 'reach_test', %(params)s, %(round)s, %(now)s, %(now)s);

-- name: reach_test_answered
-- Late is better than never: until the next one is asked, an answer makes good a test that was missed.
UPDATE reach_test t SET result = 'answered', answered_at = %(now)s, due_at = NULL
WHERE t.id = %(id)s AND t.person_id = %(person_id)s AND t.channel = %(channel)s AND t.asked_at IS NOT NULL
  AND (t.result IS NULL OR t.result = 'missed') RETURNING t.id;

-- name: reach_test_of
SELECT id, result FROM reach_test WHERE id = %(id)s AND person_id = %(person_id)s;

-- name: heard_from
-- A write an hour at most, however much somebody writes, unless a test waits for it.
UPDATE reach x SET heard_at = %(now)s
WHERE x.person_id = %(person_id)s AND x.channel = %(channel)s
  AND (x.heard_at IS NULL OR x.heard_at < %(now)s - interval '1 hour'
       OR EXISTS (SELECT FROM reach_test t WHERE t.person_id = x.person_id AND t.channel = x.channel AND t.result IS NULL AND t.asked_at > x.heard_at));

-- name: person_to_test
SELECT p.id, p.name, p.canary,
       EXISTS (SELECT FROM tellable o WHERE o.person_id = p.id AND (%(whole_city)s OR o.district_id IS NULL OR o.district_id = ANY(%(districts)s))) AS is_seen
FROM person p WHERE p.code = %(code)s FOR NO KEY UPDATE;

-- name: ask_now
-- One that was asked a moment ago still waits for its answer.
INSERT INTO reach_test (person_id, channel, due_at)
SELECT x.person_id, x.channel, %(now)s FROM reach x
WHERE x.person_id = %(person_id)s AND x.dead_at IS NULL
  AND NOT EXISTS (SELECT FROM reach_test t WHERE t.person_id = x.person_id AND t.channel = x.channel AND t.result IS NULL
                    AND (t.week IS NULL OR t.asked_at IS NOT NULL) AND coalesce(t.asked_at, t.due_at) > %(since)s);

-- name: open_reach_tests
SELECT channel, asked_at, due_at FROM reach_test
WHERE person_id = %(person_id)s AND result IS NULL AND (week IS NULL OR asked_at IS NOT NULL) ORDER BY channel, id;

-- name: unanswered
WITH placed AS (
    SELECT person_id, district_id, array_agg(part ORDER BY part) AS parts FROM tellable GROUP BY person_id, district_id
)
SELECT p.code, p.name, p.phone, o.parts, m.channel, m.times, m.since, x.dead_at IS NOT NULL AS is_dead,
       d.code AS district, d.name_zh, d.name_en, count(*) OVER () AS total,
       ARRAY(SELECT h.code FROM contact c JOIN home h ON h.id = c.home_id
             WHERE c.person_id = p.id AND h.district_id = o.district_id ORDER BY h.code LIMIT 5) AS homes
FROM unreached m JOIN placed o USING (person_id) JOIN person p ON p.id = m.person_id
JOIN reach x ON x.person_id = m.person_id AND x.channel = m.channel
LEFT JOIN district d ON d.id = o.district_id
WHERE %(whole_city)s OR o.district_id IS NULL OR o.district_id = ANY(%(districts)s)
ORDER BY m.times DESC, d.code NULLS FIRST, p.code, m.channel LIMIT %(limit)s;
