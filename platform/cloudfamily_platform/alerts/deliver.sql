-- name: anything_due
SELECT FROM notification WHERE due_at <= %(now)s LIMIT 1;

-- name: channel_states
-- Locked: whoever claims next sees what is left of each channel's pace.
SELECT name, tokens, filled_at, failures, failed_people, open_until, opened, probing
FROM channel_state WHERE name = ANY(%(names)s) ORDER BY name FOR UPDATE;

-- name: add_channel_states
INSERT INTO channel_state (name) SELECT unnest(%(names)s::text[]) ORDER BY 1 ON CONFLICT DO NOTHING;

-- name: keep_pace
UPDATE channel_state SET tokens = %(tokens)s, filled_at = %(filled_at)s, open_until = %(open_until)s, probing = %(probing)s WHERE name = %(name)s;

-- name: channel_state
SELECT name, tokens, filled_at, failures, failed_people, open_until, opened, probing FROM channel_state WHERE name = %(name)s FOR UPDATE;

-- name: probe_again
-- The one message that was to find out had nothing to say any more: the next one finds out at once.
UPDATE channel_state SET open_until = %(now)s, probing = false WHERE name = %(name)s AND probing;

-- name: keep_health
UPDATE channel_state SET failures = %(failures)s, failed_people = %(failed_people)s, open_until = %(open_until)s, opened = %(opened)s, probing = %(probing)s
WHERE name = %(name)s;

-- name: due_notifications
-- Of each channel the most urgent; one by a channel that nobody has set up, after those who have it had their time.
-- Whoever has just been sent something waits, but not for a call for help.
WITH due AS (
    SELECT n.id FROM unnest(%(channels)s::text[], %(budgets)s::int[], %(least_urgent)s::int[]) AS c(channel, budget, least_urgent)
    CROSS JOIN LATERAL (
        SELECT m.id FROM notification m
        WHERE m.channel = c.channel AND m.due_at <= %(now)s AND m.priority <= c.least_urgent
          AND (m.priority = 0 OR NOT EXISTS (SELECT FROM reach x WHERE x.person_id = m.person_id AND x.channel = m.channel AND x.free_at > %(now)s))
        ORDER BY m.priority, m.due_at, m.id LIMIT c.budget FOR UPDATE OF m SKIP LOCKED) n
), nobodys AS (
    SELECT id FROM notification WHERE due_at <= %(nobodys_before)s AND channel <> ALL(%(known)s) ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED
)
SELECT n.id, n.alert_id, n.person_id, n.channel, n.by, n.message, n.params, n.round, n.priority, n.tries, n.created_at,
       coalesce(a.severity = 'critical', false) AS critical, x.address, p.language, p.quiet_from, p.quiet_to,
       EXISTS (SELECT FROM reach o WHERE o.person_id = n.person_id AND o.channel <> n.channel AND o.dead_at IS NULL) AS other_way
FROM (SELECT id FROM due UNION ALL SELECT id FROM nobodys) d JOIN notification n ON n.id = d.id
JOIN person p ON p.id = n.person_id LEFT JOIN alert a ON a.id = n.alert_id
LEFT JOIN reach x ON x.person_id = n.person_id AND x.channel = n.channel AND x.dead_at IS NULL
ORDER BY n.priority, n.due_at, n.id;

-- name: claim_notifications
-- The claim lasts longer than any sending: it ends only when whoever made it has died. Meanwhile nothing else goes into that chat.
WITH claimed AS (
    UPDATE notification SET state = 'sending', tries = tries + 1, due_at = %(now)s + interval '30 seconds', unread_at = NULL
    WHERE id = ANY(%(ids)s) RETURNING id, person_id, channel
), tried AS (
    INSERT INTO attempt (notification_id, channel, state, tries, first_at) SELECT id, channel, 'sending', 1, %(now)s FROM claimed ORDER BY id
    ON CONFLICT (notification_id, channel) DO UPDATE SET state = 'sending', tries = attempt.tries + 1, error = NULL
), chat AS (
    SELECT x.person_id, x.channel FROM reach x JOIN claimed c USING (person_id, channel) ORDER BY x.person_id, x.channel FOR UPDATE OF x
)
UPDATE reach x SET free_at = %(now)s + interval '30 seconds' FROM chat c WHERE x.person_id = c.person_id AND x.channel = c.channel;

-- name: wait_with_notification
UPDATE notification SET state = 'waiting', due_at = %(due_at)s WHERE id = %(id)s;

-- name: skip_way
INSERT INTO attempt (notification_id, channel, state, first_at) VALUES (%(id)s, %(channel)s, 'skipped', %(now)s)
ON CONFLICT (notification_id, channel) DO UPDATE SET state = 'skipped';

-- name: living_messages
-- Of these notifications, what stands in the chat already.
SELECT x.id, m.ref, m.shown_hash
FROM unnest(%(ids)s::bigint[], %(alerts)s::bigint[], %(people)s::bigint[], %(channels)s::text[], %(addresses)s::text[]) AS x(id, alert_id, person_id, channel, address)
JOIN chat_message m USING (alert_id, person_id, channel, address);

-- name: distance_of
SELECT distance_m, why FROM offer WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s;

-- name: hold_alerts
-- What is shown of them in a chat cannot change between this look and the end of the transaction.
SELECT id, state, handler_id FROM alert WHERE id = ANY(%(ids)s) ORDER BY id FOR SHARE;

-- name: notifications_sent
-- Only what is still ours: one that became due anew meanwhile is sent anew.
WITH done AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(delivered)s::bool[], %(seen)s::bool[], %(unread_at)s::timestamptz[], %(free_at)s::timestamptz[])
        AS d(id, delivered, seen, unread_at, free_at)
), mine AS (
    SELECT n.id FROM notification n WHERE n.id = ANY(%(ids)s) ORDER BY n.id FOR UPDATE
), recorded AS (
    UPDATE notification n SET state = CASE WHEN n.state = 'sending' THEN 'sent' ELSE n.state END,
        due_at = CASE WHEN n.state = 'sending' THEN NULL ELSE n.due_at END, error = NULL,
        sent_at = %(now)s, delivered_at = CASE WHEN d.delivered THEN %(now)s ELSE n.delivered_at END,
        read_at = coalesce(n.read_at, CASE WHEN d.seen THEN %(now)s END), unread_at = CASE WHEN n.read_at IS NULL AND NOT d.seen THEN d.unread_at END
    FROM done d, mine WHERE n.id = d.id AND mine.id = n.id RETURNING n.id, n.person_id, n.channel, d.delivered, d.seen, d.free_at
), tried AS (
    UPDATE attempt t SET state = CASE WHEN t.state IN ('delivered', 'read') THEN t.state WHEN r.seen THEN 'read' WHEN r.delivered THEN 'delivered' ELSE 'sent' END,
        sent_at = %(now)s, delivered_at = CASE WHEN r.delivered THEN %(now)s ELSE t.delivered_at END, read_at = CASE WHEN r.seen THEN %(now)s ELSE t.read_at END
    FROM recorded r WHERE t.notification_id = r.id AND t.channel = r.channel
), chat AS (
    SELECT x.person_id, x.channel, r.free_at FROM reach x JOIN recorded r USING (person_id, channel) ORDER BY x.person_id, x.channel FOR UPDATE OF x
)
UPDATE reach x SET free_at = c.free_at FROM chat c WHERE x.person_id = c.person_id AND x.channel = c.channel;

-- name: notification_again
UPDATE notification SET state = 'waiting', due_at = %(due_at)s, error = %(error)s WHERE id = %(id)s AND state = 'sending';

-- name: notification_failed
UPDATE notification SET state = 'failed', due_at = NULL, error = %(error)s WHERE id = %(id)s AND state = 'sending';

-- name: attempt_failed
WITH free AS (UPDATE reach SET free_at = %(free_at)s WHERE person_id = %(person_id)s AND channel = %(channel)s)
UPDATE attempt SET state = 'failed', failed_at = %(now)s, error = %(error)s WHERE notification_id = %(id)s AND channel = %(channel)s;

-- name: put_living
INSERT INTO chat_message (alert_id, person_id, channel, address, ref, shown_hash, sent_at)
VALUES (%(alert_id)s, %(person_id)s, %(channel)s, %(address)s, %(ref)s, %(hash)s, %(now)s)
ON CONFLICT (alert_id, person_id) DO UPDATE
SET channel = EXCLUDED.channel, address = EXCLUDED.address, ref = EXCLUDED.ref, shown_hash = EXCLUDED.shown_hash, sent_at = EXCLUDED.sent_at;

-- name: redraw_one
-- The alert went on while this message was on its way.
INSERT INTO notification (alert_id, person_id, channel, message, priority, created_at, due_at)
VALUES (%(alert_id)s, %(person_id)s, %(channel)s, 'now', 1, %(now)s, %(now)s)
ON CONFLICT (alert_id, person_id, message, round) DO UPDATE SET channel = EXCLUDED.channel, state = 'waiting', params = '{}', tries = 0, due_at = EXCLUDED.due_at;

-- name: shown_living
UPDATE chat_message SET shown_hash = %(hash)s WHERE alert_id = %(alert_id)s AND person_id = %(person_id)s AND ref = %(ref)s;

-- name: living_is_gone
WITH free AS (UPDATE reach SET free_at = %(free_at)s WHERE person_id = %(person_id)s AND channel = %(channel)s)
UPDATE notification SET state = 'waiting', params = '{"anew": true}', due_at = %(now)s, error = %(error)s WHERE id = %(id)s AND message = 'now';
