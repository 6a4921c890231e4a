-- name: claim_signal
SELECT s.id, s.device_code, s.home_id, s.kind, s.at, s.seq, s.detail, s.tries, coalesce(h.district_id, s.district_id) AS district_id, coalesce(h.canary, false) AS canary
FROM signal s LEFT JOIN home h ON h.id = s.home_id
WHERE s.due_at <= %(now)s ORDER BY s.due_at, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED;

-- name: lock_device_of_signal
-- A device without a home may just now be given one: whoever is first, the other sees it.
SELECT home_id FROM device WHERE code = %(device_code)s FOR SHARE;

-- name: home_of_signal
SELECT id AS home_id, district_id, canary FROM home WHERE id = %(home_id)s;

-- name: signal_done
UPDATE signal SET due_at = NULL WHERE id = %(id)s;

-- name: signal_postponed
UPDATE signal SET due_at = %(now)s + interval '30 seconds' * (tries + 1), tries = tries + 1 WHERE id = %(id)s;

-- name: claim_gateway
SELECT name, name AS id, at, dark_since FROM alive WHERE due_at <= %(now)s AND starts_with(name, %(each)s)
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: gateway_postponed
UPDATE alive SET due_at = %(now)s + interval '10 seconds' WHERE name = %(name)s;

-- name: gateway_looked_at
UPDATE alive SET dark_since = %(dark_since)s, due_at = %(due_at)s WHERE name = %(name)s;

-- name: live_alert
SELECT id FROM alert WHERE state <> 'resolved' AND kind = %(kind)s
  AND (home_id = %(home_id)s OR (%(home_id)s::int IS NULL AND home_id IS NULL AND device_code = %(device_code)s));

-- name: add_events
-- Alert by alert, so that two who write into the same ones do not wait for each other.
INSERT INTO alert_event (alert_id, at, kind, actor_id, params)
SELECT x.alert_id, %(now)s, x.kind, x.actor_id, x.params
FROM unnest(%(alerts)s::bigint[], %(kinds)s::text[], %(actors)s::bigint[], %(params)s::jsonb[]) WITH ORDINALITY AS x(alert_id, kind, actor_id, params, place)
ORDER BY x.alert_id, x.place;

-- name: claim_alert
-- One that nobody has heard of yet comes before what is said again.
-- NO KEY, here and below: a plain FOR UPDATE would stop, and deadlock with, whoever adds a line to the timeline unlocked.
SELECT v.id FROM alert v WHERE v.due_at <= %(now)s ORDER BY v.step > 0, v.due_at, v.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: alert_postponed
UPDATE alert SET due_at = %(now)s + interval '30 seconds' WHERE id = %(id)s;

-- name: lock_alert
SELECT id FROM alert WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: alerts_with_plan
SELECT v.*, p.plan, ARRAY(SELECT g.person_id FROM alert_guest g WHERE g.alert_id = v.id) AS guests FROM alert_view v JOIN policy p ON p.id = v.policy_id WHERE v.id = ANY(%(ids)s);

-- name: alerts
SELECT v.*, ARRAY(SELECT g.person_id FROM alert_guest g WHERE g.alert_id = v.id) AS guests FROM alert_view v
WHERE v.canary = %(canary)s AND (v.state = 'resolved') = %(resolved)s
  AND ((%(oversees)s AND (%(whole_city)s OR v.district_id IS NULL OR v.district_id = ANY(%(districts)s)))
       OR (%(oversees)s AND EXISTS (SELECT FROM alert_guest g WHERE g.alert_id = v.id AND g.person_id = %(person_id)s))
       OR %(person_id)s = ANY(v.family) OR %(person_id)s = ANY(v.offered) OR %(person_id)s = ANY(v.responding))
ORDER BY CASE WHEN v.state = 'resolved' THEN v.resolved_at END DESC NULLS LAST, v.opened_at LIMIT %(limit)s;

-- name: settled
SELECT alert_event_settled() AS id;

-- name: events_after
SELECT e.id AS event_id, e.alert_id, e.at, e.kind AS event_kind, e.params, actor.name AS actor
FROM alert_event e LEFT JOIN person actor ON actor.id = e.actor_id
WHERE e.id > %(after)s ORDER BY e.id LIMIT %(limit)s;

-- name: alerts_by_id
SELECT v.*, ARRAY(SELECT g.person_id FROM alert_guest g WHERE g.alert_id = v.id) AS guests FROM alert_view v WHERE v.id = ANY(%(ids)s);

-- name: timeline
SELECT e.id AS event_id, e.alert_id, e.at, e.kind AS event_kind, e.params, actor.name AS actor
FROM alert_event e LEFT JOIN person actor ON actor.id = e.actor_id
WHERE e.alert_id = %(id)s ORDER BY e.id DESC LIMIT 500;

-- name: next_turn
UPDATE alert SET step = %(step)s, due_at = %(due_at)s WHERE id = %(id)s;

-- name: reopen
UPDATE alert SET state = 'open', handler_id = NULL, due_at = %(now)s WHERE id = %(id)s;


-- name: accept
UPDATE alert SET state = 'accepted', handler_id = %(person_id)s, accepted_at = coalesce(accepted_at, %(now)s), due_at = %(due_at)s
WHERE id = %(id)s;

-- name: resolve
UPDATE alert SET state = 'resolved', resolved_at = %(now)s, outcome = %(outcome)s, due_at = NULL,
       accepted_at = coalesce(accepted_at, %(now)s), handler_id = coalesce(handler_id, %(person_id)s)
WHERE id = %(id)s;

-- name: end_response
UPDATE response SET ended = 'resolved', ended_at = %(now)s, closed_by = %(person_id)s,
       due_at = CASE WHEN there_at IS NOT NULL AND %(outcome)s <> 'test' THEN %(now)s END,
       checkin_at = NULL, asked_at = NULL
WHERE alert_id = %(id)s AND ended IS NULL;

-- name: add_command
-- Only our own devices have an answer topic. Of who comes, the name alone: it may be said aloud at the elder's.
INSERT INTO command (device_code, kind, answer, params, seq, alert_id, created_at, due_at, expires_at)
SELECT a.device_code, 'answer', %(answer)s, CASE WHEN who.name IS NULL THEN '{}' ELSE jsonb_build_object('name', who.name) END,
       a.seq, a.id, %(now)s, %(now)s, %(now)s + interval '10 minutes'
FROM alert a LEFT JOIN device v ON v.code = a.device_code
LEFT JOIN LATERAL (
    SELECT left(p.name, 60) AS name FROM response r JOIN person p ON p.id = r.person_id
    WHERE %(answer)s = 'on_the_way' AND r.alert_id = a.id AND r.ended IS NULL) who ON true
WHERE a.id = %(id)s AND a.device_code IS NOT NULL AND coalesce(v.family, 'own') = 'own';

-- name: alert_of_device
SELECT a.id FROM alert a JOIN device v ON v.code = %(device)s
WHERE a.id = %(id)s AND (a.device_code = v.code OR a.home_id = v.home_id);

-- name: homeless_alerts
SELECT id, kind, state, presses, seq FROM alert
WHERE home_id IS NULL AND device_code = %(device)s AND state <> 'resolved' ORDER BY id FOR NO KEY UPDATE;

-- name: live_alert_of_home
SELECT id, state FROM alert WHERE home_id = %(home_id)s AND kind = %(kind)s AND state <> 'resolved' FOR NO KEY UPDATE;

-- name: give_alert_home
-- With the policy of its district; who has it keeps it, and one that nobody has begins anew.
UPDATE alert a SET home_id = h.id, district_id = h.district_id, canary = h.canary,
       step = CASE WHEN a.state = 'open' THEN 0 ELSE a.step END, due_at = CASE WHEN a.state = 'open' THEN %(now)s ELSE a.due_at END,
       policy_id = coalesce(policy_for(h.district_id, a.kind, a.severity), a.policy_id)
FROM home h WHERE a.id = %(id)s AND h.id = %(home_id)s;

-- name: join_alert
UPDATE alert SET presses = presses + %(presses)s, seq = coalesce(%(seq)s, seq), device_code = %(device)s WHERE id = %(into)s;

-- name: merge_away
UPDATE alert SET state = 'resolved', outcome = 'merged', resolved_at = %(now)s, due_at = NULL WHERE id = %(id)s;
