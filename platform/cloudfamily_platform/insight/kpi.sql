-- name: kpi_alerts
-- The calls for help of a span of time: neither canaries, tests and duplicates, nor the platform's alerts about itself.
SELECT c.id, c.kind, c.severity, c.outcome, c.opened_at, c.accepted_at, c.resolved_at, c.sent_at, c.there_at, c.inside_at, d.code AS district, p.code AS by_code, p.name AS by_name
FROM alert_clock c LEFT JOIN district d ON d.id = c.district_id LEFT JOIN person p ON p.id = c.answered_by
WHERE c.opened_at >= %(since)s AND c.opened_at < %(until)s AND NOT c.canary AND c.severity IN ('critical', 'high')
  AND coalesce(c.outcome, '') NOT IN ('test', 'merged') AND c.kind <> ALL(%(of_no_home)s)
  AND (%(whole_city)s OR c.district_id IS NULL OR c.district_id = ANY(%(districts)s)) AND (%(district)s::text IS NULL OR d.code = %(district)s)
ORDER BY c.opened_at, c.id;

-- name: kpi_alert
SELECT id, severity, outcome, canary, opened_at, accepted_at, resolved_at, sent_at, there_at, inside_at FROM alert_clock WHERE id = %(id)s;

-- name: kpi_district
SELECT id FROM district WHERE code = %(district)s AND (%(whole_city)s OR id = ANY(%(districts)s));
