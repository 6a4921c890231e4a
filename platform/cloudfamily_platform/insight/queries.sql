-- name: figures
SELECT
    (SELECT count(*) FROM reading WHERE time > %(now)s - interval '10 seconds' AND time <= %(now)s) / 10.0 AS readings_per_s,
    (SELECT count(*) FROM alert WHERE state <> 'resolved' AND NOT canary) AS open_alerts,
    (SELECT count(*) FROM notification n JOIN person p ON p.id = n.person_id WHERE n.sent_at > %(now)s - interval '1 day' AND NOT p.canary) AS deliveries,
    (SELECT count(*) FROM notification WHERE due_at <= %(now)s) + (SELECT count(*) FROM signal WHERE due_at <= %(now)s)
      + (SELECT count(*) FROM response WHERE due_at <= %(now)s) + (SELECT count(*) FROM visit WHERE credit_due_at <= %(now)s)
      + (SELECT count(*) FROM command WHERE due_at <= %(now)s) AS waiting,
    -- As kpi.py counts: who waits for longer than that has not been answered in time.
    (SELECT avg(coalesce(accepted_at - opened_at <= interval '60 seconds', false)::int)::float8 FROM alert
     WHERE NOT canary AND severity = 'critical' AND coalesce(outcome, '') NOT IN ('test', 'merged')
       AND (accepted_at IS NOT NULL OR opened_at < %(now)s - interval '60 seconds') AND opened_at > %(now)s - interval '30 days') AS accepted_within_60_s;
