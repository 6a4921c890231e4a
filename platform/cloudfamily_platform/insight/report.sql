-- name: report_alert
SELECT v.*, p.code AS policy_code, p.version AS policy_version, h.timezone
FROM alert_view v JOIN policy p ON p.id = v.policy_id LEFT JOIN home h ON h.id = v.home_id WHERE v.id = %(id)s;

-- name: report_timeline
SELECT e.n, e.at, e.kind, e.params, actor.name AS actor FROM alert_event e LEFT JOIN person actor ON actor.id = e.actor_id
WHERE e.alert_id = %(id)s ORDER BY e.n LIMIT %(limit)s;

-- name: report_notifications
-- Whether a channel says when it was delivered depends on the channel.
SELECT p.name AS person, n.channel, n.message, n.state, n.created_at, n.sent_at, (to_jsonb(n) ->> 'delivered_at')::timestamptz AS delivered_at, n.error
FROM notification n JOIN person p ON p.id = n.person_id WHERE n.alert_id = %(id)s ORDER BY n.created_at, n.id LIMIT %(limit)s;

-- name: report_offers
SELECT p.name AS person, o.state, o.distance_m, o.offered_at FROM offer o JOIN person p ON p.id = o.person_id
WHERE o.alert_id = %(id)s ORDER BY o.offered_at, o.id LIMIT %(limit)s;

-- name: report_responses
SELECT p.name AS person, r.accepted_at, r.on_the_way_at, r.there_at, r.ended_at, r.ended FROM response r JOIN person p ON p.id = r.person_id
WHERE r.alert_id = %(id)s ORDER BY r.accepted_at, r.id LIMIT %(limit)s;

-- name: report_looked_at
SELECT FROM alert_event WHERE alert_id = %(id)s AND kind = %(kind)s AND actor_id = %(person_id)s AND at > %(since)s LIMIT 1;
