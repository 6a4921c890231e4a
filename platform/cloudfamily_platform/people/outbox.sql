-- name: tell
-- By the first channel that the policy prefers, else by the person's own first. Said anew, it gets the next number.
WITH way AS (
    SELECT channel FROM reach WHERE person_id = %(person_id)s AND dead_at IS NULL
    ORDER BY array_position(%(by)s::text[], channel), rank, channel LIMIT 1
), said AS (
    INSERT INTO notification (alert_id, person_id, channel, by, message, params, priority, round, created_at, due_at)
    SELECT a.id, %(person_id)s, way.channel, %(by)s, %(message)s, %(params)s,
           CASE WHEN a.severity <> 'critical' THEN 2 WHEN %(message)s IN ('alert', 'offer') THEN 0 ELSE 1 END,
           coalesce(%(number)s::bigint, (
               SELECT count(*) FROM notification WHERE alert_id = a.id AND person_id = %(person_id)s AND message = %(message)s)), %(now)s, %(now)s
    FROM way, alert a WHERE a.id = %(alert_id)s ON CONFLICT (alert_id, person_id, message, round) DO NOTHING)
SELECT EXISTS (SELECT FROM way) AS reachable;

-- name: try_out
INSERT INTO notification (person_id, channel, by, message, created_at, due_at)
SELECT person_id, channel, ARRAY[channel], 'trial', %(now)s, %(now)s FROM reach WHERE person_id = %(person_id)s AND channel = %(channel)s RETURNING id;
