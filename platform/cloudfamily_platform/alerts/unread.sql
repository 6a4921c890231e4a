-- name: next_way
-- The person's next channel that works here and was not tried; those that were out of order then come last.
SELECT x.channel, t.state IS NULL AS untried FROM reach x LEFT JOIN attempt t ON t.notification_id = %(id)s AND t.channel = x.channel
WHERE x.person_id = %(person_id)s AND x.dead_at IS NULL AND x.channel <> %(channel)s AND x.channel = ANY(%(known)s)
  AND coalesce(t.state = 'skipped', true)
ORDER BY t.state IS NOT NULL, array_position(%(by)s::text[], x.channel), x.rank, x.channel LIMIT 1;

-- name: go_next_way
UPDATE notification SET channel = %(next)s, state = 'waiting', tries = 0, due_at = %(now)s, unread_at = NULL, error = %(error)s WHERE id = %(id)s;

-- name: claim_unread
SELECT n.id, n.alert_id, n.person_id, n.channel, n.by, n.message, n.read_at, a.state AS alert_state,
       EXISTS (SELECT FROM offer o WHERE o.alert_id = n.alert_id AND o.person_id = n.person_id AND o.state IN ('offered', 'lapsed')) AS offered
FROM notification n JOIN alert a ON a.id = n.alert_id
WHERE n.unread_at <= %(now)s ORDER BY n.unread_at LIMIT 1 FOR UPDATE OF n SKIP LOCKED;

-- name: unread_postponed
UPDATE notification SET unread_at = %(now)s + interval '30 seconds' WHERE id = %(id)s;

-- name: unread_done
UPDATE notification SET unread_at = NULL WHERE id = %(id)s;

-- name: mark_read
-- Whoever does something about an alert has read what they were told of it, by whatever channel.
WITH theirs AS (
    SELECT id FROM notification WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s AND message IN ('alert', 'offer') AND read_at IS NULL
    ORDER BY id FOR UPDATE
), read AS (
    UPDATE notification n SET read_at = %(now)s, delivered_at = coalesce(n.delivered_at, %(now)s), unread_at = NULL FROM theirs WHERE n.id = theirs.id
    RETURNING n.id
)
UPDATE attempt t SET state = 'read', read_at = %(now)s, delivered_at = coalesce(t.delivered_at, %(now)s)
FROM read WHERE t.notification_id = read.id AND t.channel = %(channel)s AND t.state <> 'failed';
