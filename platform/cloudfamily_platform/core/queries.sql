-- name: add_jobs
INSERT INTO job (name, due_at) SELECT name, %(now)s FROM unnest(%(names)s::text[]) AS name ON CONFLICT DO NOTHING;

-- name: claim_job
SELECT name, due_at FROM job WHERE due_at <= %(now)s AND name = ANY(%(names)s) ORDER BY due_at, name LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: job_done
UPDATE job SET due_at = %(due_at)s, done_at = %(now)s, error = NULL WHERE name = %(name)s;

-- name: job_failed
UPDATE job SET due_at = %(due_at)s, error = %(error)s WHERE name = %(name)s;
