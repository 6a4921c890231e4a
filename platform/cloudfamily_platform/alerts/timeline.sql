-- name: add_seal
-- The next seal, over the lines since the last one (at most so many) up to the number that is settled, or nothing when there is none.
WITH last AS (
    SELECT id, upto_id, hash FROM timeline_seal ORDER BY id DESC LIMIT 1
), these AS (
    SELECT e.id, e.alert_id, e.hash FROM alert_event e
    WHERE NOT e.canary AND e.id > coalesce((SELECT upto_id FROM last), 0) AND e.id <= %(settled)s ORDER BY e.id LIMIT %(most)s
), made AS (
    SELECT coalesce((SELECT id FROM last), 0) + 1 AS id, (SELECT hash FROM last) AS previous, coalesce((SELECT upto_id FROM last), 0) AS after_id,
           max(id) AS upto_id, count(*) AS events, count(DISTINCT alert_id) AS alerts, sha256(string_agg(int8send(id) || hash, ''::bytea ORDER BY id)) AS digest
    FROM these HAVING count(*) > 0)
INSERT INTO timeline_seal (id, at, after_id, upto_id, events, alerts, digest, hash)
SELECT id, %(now)s, after_id, upto_id, events, alerts, digest, timeline_seal_hash(previous, id, %(now)s, after_id, upto_id, events, alerts, digest) FROM made
RETURNING id, events, encode(hash, 'hex') AS head;

-- name: lines_to_check
SELECT alert_id, n, id, at, kind, actor_id, params::text, hash FROM alert_event
WHERE %(alert_id)s::bigint IS NULL OR alert_id = %(alert_id)s ORDER BY alert_id, n, id;

-- name: sealed_lines
SELECT id, alert_id, hash FROM alert_event WHERE NOT canary AND id > %(after)s AND id <= %(upto)s ORDER BY id;

-- name: seals_to_check
SELECT id, at, after_id, upto_id, events, alerts, digest, hash FROM timeline_seal ORDER BY id;

-- name: lines_unsealed
SELECT count(*) AS lines FROM alert_event WHERE NOT canary AND id > %(upto)s;

-- name: alerts_without_lines
SELECT a.id FROM alert a WHERE (%(alert_id)s::bigint IS NULL OR a.id = %(alert_id)s)
  AND NOT EXISTS (SELECT FROM alert_event e WHERE e.alert_id = a.id) ORDER BY a.id LIMIT 20;

-- name: seal_of_alert
-- The last line of an alert, and the seal that covers it, if one does yet.
SELECT e.n, e.id, encode(e.hash, 'hex') AS head, s.id AS seal, encode(s.hash, 'hex') AS seal_hash
FROM (SELECT n, id, hash FROM alert_event WHERE alert_id = %(id)s ORDER BY n DESC LIMIT 1) e
LEFT JOIN timeline_seal s ON s.after_id < e.id AND s.upto_id >= e.id;

-- name: forget_canary_alerts
-- Canaries' that are over, no line of which was ever anybody else's. Their visits stay: the time bank, which forgets nothing,
-- refers to them. One statement, so that what refers to what is looked at when all of it is gone.
WITH old AS (
    SELECT a.id FROM alert a WHERE a.canary AND a.state = 'resolved' AND a.resolved_at < %(before)s
      AND NOT EXISTS (SELECT FROM alert_event e WHERE e.alert_id = a.id AND NOT e.canary) ORDER BY a.id LIMIT %(most)s
), attempts AS (DELETE FROM attempt USING notification n, old WHERE notification_id = n.id AND n.alert_id = old.id
), messages AS (DELETE FROM chat_message USING old WHERE alert_id = old.id
), guests AS (DELETE FROM alert_guest USING old WHERE alert_id = old.id
), notifications AS (DELETE FROM notification USING old WHERE alert_id = old.id
), offers AS (DELETE FROM offer USING old WHERE alert_id = old.id
), commands AS (DELETE FROM command USING old WHERE alert_id = old.id
), visits AS (UPDATE visit v SET response_id = NULL FROM response r JOIN old ON r.alert_id = old.id WHERE v.response_id = r.id
), responses AS (DELETE FROM response USING old WHERE alert_id = old.id
), lines AS (DELETE FROM alert_event USING old WHERE alert_id = old.id)
DELETE FROM alert USING old WHERE alert.id = old.id;

-- name: forget_canary_signals
DELETE FROM signal WHERE device_code IN (SELECT v.code FROM device v JOIN home h ON h.id = v.home_id WHERE h.canary)
  AND due_at IS NULL AND received_at < %(before)s;

-- name: forget_canary_sessions
WITH old AS (DELETE FROM session s USING person p WHERE p.id = s.person_id AND p.canary AND s.created_at < %(before)s)
DELETE FROM ticket t USING person p WHERE p.id = t.person_id AND p.canary AND t.used_at < %(before)s;
