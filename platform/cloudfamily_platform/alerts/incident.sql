-- name: lock_home_of_incident
-- Two alerts of one home that open at the same time must see each other.
SELECT pg_advisory_xact_lock(hashtext('incident'), %(home_id)s);

-- name: live_alerts_of_home
SELECT id, kind, severity, state, incident_id, handler_id FROM alert
WHERE home_id = %(home_id)s AND state <> 'resolved' ORDER BY id FOR NO KEY UPDATE;

-- name: add_incident
INSERT INTO incident (home_id, opened_at) VALUES (%(home_id)s, %(now)s) RETURNING id;

-- name: into_incident
UPDATE alert SET incident_id = %(incident_id)s WHERE id = ANY(%(ids)s) AND incident_id IS DISTINCT FROM %(incident_id)s;

-- name: those_who_go
SELECT DISTINCT handler_id AS person_id FROM alert WHERE id = ANY(%(ids)s) AND handler_id IS NOT NULL ORDER BY handler_id;

-- name: claim_line
SELECT a.id, a.told_with FROM alert a JOIN alert main ON main.id = a.told_with
WHERE a.state <> 'resolved' AND main.state = 'resolved' ORDER BY a.id LIMIT 1 FOR NO KEY UPDATE OF a SKIP LOCKED;

-- name: line_postponed
-- It speaks when its own time comes.
UPDATE alert SET told_with = NULL WHERE id = %(id)s;

-- name: line_speaks
UPDATE alert SET told_with = NULL, due_at = CASE WHEN state = 'open' AND step = 0 THEN %(now)s ELSE due_at END WHERE id = %(id)s;

-- name: incident_alerts
SELECT v.*, a.told_with, a.incident_id, ARRAY(SELECT g.person_id FROM alert_guest g WHERE g.alert_id = v.id) AS guests
FROM alert one JOIN alert a ON a.incident_id = one.incident_id JOIN alert_view v ON v.id = a.id
WHERE one.id = %(id)s ORDER BY a.id LIMIT 50;

-- name: lock_incident
-- The alert and what is live of its incident.
SELECT a.id, a.severity, a.state, a.handler_id FROM alert a
WHERE a.id = %(id)s OR (a.state <> 'resolved' AND a.incident_id = (SELECT incident_id FROM alert WHERE id = %(id)s)) ORDER BY a.id FOR NO KEY UPDATE;
