-- name: account
SELECT timebank_account(%(kind)s, %(unit)s::smallint, %(person_id)s::bigint, %(district_id)s::smallint, %(cap_minutes)s::bigint, %(now)s) AS id;

-- name: post
SELECT seq, written_at, repeated
FROM timebank_post(%(id)s, %(debit_id)s, %(credit_id)s, %(minutes)s::numeric, %(kind)s, %(visit_id)s::bigint, %(policy)s,
                   %(reason)s, %(actor_id)s::bigint, %(event_at)s, %(written_at)s, %(canary)s);

-- name: balance
SELECT coalesce(sum(b.posted) FILTER (WHERE a.unit = 1), 0)::bigint AS minutes,
       coalesce(sum(b.held) FILTER (WHERE a.unit = 1), 0)::bigint AS held,
       coalesce(sum(b.posted) FILTER (WHERE a.unit = 2), 0)::bigint AS honour_minutes
FROM account a JOIN balance b ON b.account_id = a.id WHERE a.person_id = %(person_id)s;

-- name: statement
SELECT e.transfer_id AS id, e.event_at AS at, e.minutes, e.unit, e.kind, e.reason
FROM account a CROSS JOIN LATERAL (
    (SELECT t.seq, t.id AS transfer_id, t.event_at, -t.minutes AS minutes, t.unit, t.kind, t.reason
     FROM transfer t WHERE t.debit_id = a.id ORDER BY t.seq DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT t.seq, t.id, t.event_at, t.minutes, t.unit, t.kind, t.reason
     FROM transfer t WHERE t.credit_id = a.id ORDER BY t.seq DESC LIMIT %(limit)s)) e
WHERE a.person_id = %(person_id)s ORDER BY e.seq DESC LIMIT %(limit)s;

-- name: lock_room
SELECT hi - posted AS minutes FROM balance WHERE account_id = %(account_id)s FOR NO KEY UPDATE;

-- name: claim_visit
SELECT v.id, v.person_id, v.verified_by, v.ended_at, v.canary, h.district_id,
       -- Whole minutes; who came and was sent home at once still came.
       greatest(1, floor(extract(epoch FROM v.ended_at - v.started_at) / 60)::int) AS minutes,
       EXISTS (SELECT FROM role r WHERE r.person_id = v.person_id AND r.role = 'volunteer') AS is_volunteer,
       EXISTS (SELECT FROM transfer t WHERE t.visit_id = v.id) AS is_credited
FROM visit v JOIN home h ON h.id = v.home_id
WHERE v.credit_due_at <= %(now)s ORDER BY v.credit_due_at LIMIT 1 FOR NO KEY UPDATE OF v SKIP LOCKED;

-- name: visit_done
UPDATE visit SET credit_due_at = NULL WHERE id = %(visit_id)s;

-- name: postpone_visit
UPDATE visit SET credit_due_at = %(now)s + interval '1 hour' WHERE id = %(id)s;

-- name: tell
SELECT pg_notify('transfer', '');
