-- name: called
SELECT n.id, n.alert_id, n.person_id, t.channel FROM notification n JOIN attempt t ON t.notification_id = n.id
WHERE n.id = %(id)s AND t.channel = %(channel)s AND t.state <> 'skipped';

-- name: answered
-- Somebody heard it; only a digit proves that it was the right one, so an answer alone (a machine, a child) ends no fall-back.
WITH heard AS (
    UPDATE notification SET delivered_at = coalesce(delivered_at, %(now)s), read_at = CASE WHEN %(read)s THEN coalesce(read_at, %(now)s) ELSE read_at END,
        unread_at = CASE WHEN %(read)s THEN NULL ELSE unread_at END WHERE id = %(id)s
)
UPDATE attempt SET state = CASE WHEN %(read)s THEN 'read' WHEN state = 'read' THEN 'read' ELSE 'delivered' END,
    delivered_at = coalesce(delivered_at, %(now)s), read_at = CASE WHEN %(read)s THEN coalesce(read_at, %(now)s) ELSE read_at END
WHERE notification_id = %(id)s AND channel = %(channel)s;

-- name: not_answered
-- As if its time to be read were over; once.
WITH unheard AS (
    UPDATE attempt SET state = 'failed', failed_at = %(now)s, error = 'no answer'
    WHERE notification_id = %(id)s AND channel = %(channel)s AND state IN ('sending', 'sent') RETURNING notification_id
)
UPDATE notification n SET unread_at = %(now)s FROM unheard u
WHERE n.id = u.notification_id AND n.channel = %(channel)s AND n.read_at IS NULL AND n.unread_at IS NOT NULL;
