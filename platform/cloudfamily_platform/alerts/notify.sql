-- name: tell_those_told
INSERT INTO notification (alert_id, person_id, channel, by, message, params, priority, round, created_at, due_at)
SELECT n.alert_id, n.person_id, n.channel, n.by, %(message)s, %(params)s, CASE WHEN a.severity = 'critical' THEN 1 ELSE 2 END,
       (SELECT count(*) FROM notification m WHERE m.alert_id = n.alert_id AND m.person_id = n.person_id AND m.message = %(message)s), %(now)s, %(now)s
FROM (SELECT DISTINCT ON (person_id) alert_id, person_id, channel, by FROM notification
      WHERE alert_id = %(alert_id)s AND message = 'alert' ORDER BY person_id, id DESC) n
JOIN contact c ON c.person_id = n.person_id JOIN alert a ON a.id = n.alert_id AND a.home_id = c.home_id
WHERE n.person_id <> %(actor_id)s
ON CONFLICT (alert_id, person_id, message, round) DO NOTHING;
