-- name: tell
-- In their order, each by the first channel that the policy prefers, else by the person's own first. Said anew, it gets the
-- next number. A call that comes round again is one with what still waits to be sent, and behind those that were never made: where
-- a channel is overrun, the newest alarm is heard first. Gives back who can be reached.
WITH way AS (
    SELECT w.person_id, w.place, x.channel FROM unnest(%(people)s::bigint[]) WITH ORDINALITY AS w(person_id, place)
    CROSS JOIN LATERAL (SELECT channel FROM reach WHERE person_id = w.person_id AND dead_at IS NULL
                        ORDER BY array_position(%(by)s::text[], channel), rank, channel LIMIT 1) x
), said AS (
    INSERT INTO notification (alert_id, person_id, channel, by, message, params, priority, round, created_at, due_at)
    SELECT a.id, w.person_id, w.channel, %(by)s, %(message)s, %(params)s,
           CASE WHEN a.severity <> 'critical' THEN 2 WHEN %(message)s IN ('alert', 'offer', 'also') AND a.step <= 3 THEN 0 ELSE 1 END,
           coalesce(%(number)s::bigint, (
               SELECT count(*) FROM notification n WHERE n.alert_id = a.id AND n.person_id = w.person_id AND n.message = %(message)s)), %(now)s, %(now)s
    FROM way w, alert a
    WHERE a.id = %(alert_id)s AND NOT (%(message)s = 'alert' AND EXISTS (
              SELECT FROM notification n WHERE n.alert_id = a.id AND n.person_id = w.person_id AND n.message = 'alert' AND n.due_at IS NOT NULL))
    ORDER BY w.place ON CONFLICT (alert_id, person_id, message, round) DO NOTHING)
SELECT person_id FROM way;

-- name: ways
-- The channel that `tell` would choose.
SELECT DISTINCT ON (person_id) person_id, channel FROM reach WHERE person_id = ANY(%(people)s) AND dead_at IS NULL
ORDER BY person_id, array_position(%(by)s::text[], channel), rank, channel;

-- name: try_out
INSERT INTO notification (person_id, channel, by, message, created_at, due_at)
SELECT person_id, channel, ARRAY[channel], 'trial', %(now)s, %(now)s FROM reach WHERE person_id = %(person_id)s AND channel = %(channel)s RETURNING id;
