-- name: claim_recovered
SELECT id FROM alert WHERE state = 'open' AND recovered_at <= %(before)s
ORDER BY recovered_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: not_recovered
UPDATE alert SET recovered_at = NULL WHERE id = %(id)s;

-- name: recover
UPDATE alert SET state = 'resolved', outcome = 'recovered', resolved_at = %(now)s, due_at = NULL WHERE id = %(id)s;
