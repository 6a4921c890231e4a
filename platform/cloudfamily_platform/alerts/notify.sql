-- name: tell
-- In their order, each by the first channel that the policy prefers, else by the person's own first. Said anew, it gets the
-- next number. Gives back who can be reached.
WITH way AS (
    SELECT w.person_id, w.place, x.channel FROM unnest(%(people)s::bigint[]) WITH ORDINALITY AS w(person_id, place)
    CROSS JOIN LATERAL (SELECT channel FROM reach WHERE person_id = w.person_id AND dead_at IS NULL
                        ORDER BY array_position(%(by)s::text[], channel), rank, channel LIMIT 1) x
), said AS (
    INSERT INTO notification (alert_id, person_id, channel, by, message, params, round, created_at, due_at)
    SELECT %(alert_id)s, w.person_id, w.channel, %(by)s, %(message)s, %(params)s, coalesce(%(number)s::bigint, (
               SELECT count(*) FROM notification n WHERE n.alert_id = %(alert_id)s AND n.person_id = w.person_id AND n.message = %(message)s)), %(now)s, %(now)s
    FROM way w ORDER BY w.place ON CONFLICT (alert_id, person_id, message, round) DO NOTHING)
SELECT person_id FROM way;

-- name: ways
-- The channel that `tell` would choose.
SELECT DISTINCT ON (person_id) person_id, channel FROM reach WHERE person_id = ANY(%(people)s) AND dead_at IS NULL
ORDER BY person_id, array_position(%(by)s::text[], channel), rank, channel;

-- name: tell_those_told
INSERT INTO notification (alert_id, person_id, channel, message, params, round, created_at, due_at)
SELECT n.alert_id, n.person_id, n.channel, %(message)s, %(params)s,
       (SELECT count(*) FROM notification m WHERE m.alert_id = n.alert_id AND m.person_id = n.person_id AND m.message = %(message)s), %(now)s, %(now)s
FROM (SELECT DISTINCT ON (person_id) alert_id, person_id, channel FROM notification
      WHERE alert_id = %(alert_id)s AND message = 'alert' ORDER BY person_id, id DESC) n
JOIN contact c ON c.person_id = n.person_id JOIN alert a ON a.id = n.alert_id AND a.home_id = c.home_id
WHERE n.person_id <> %(actor_id)s
ON CONFLICT (alert_id, person_id, message, round) DO NOTHING;
