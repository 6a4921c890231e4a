-- name: people_of_words
-- Whom the words of one turn name, in the order in which they are told. `number` of the telling: that of the turn, and never
-- one at which somebody was told already, for an alert whose device finds its home begins anew.
WITH place AS (
    SELECT 'operators' AS word, 'operator' AS role, %(district_id)s::smallint AS district_id
    UNION ALL SELECT 'supervisors', 'supervisor', %(district_id)s::smallint
    UNION ALL SELECT 'neighbours', 'operator', n.neighbour_id FROM neighbour n WHERE n.district_id = %(district_id)s::smallint
), had AS (
    SELECT l.word, d.*, bool_or(d.on_shift) OVER (PARTITION BY l.word, l.district_id) AS somebody
    FROM place l CROSS JOIN LATERAL duty(l.role, l.district_id, %(at)s) d JOIN person p ON p.id = d.person_id AND p.canary = %(canary)s
    WHERE l.word = ANY(%(words)s::text[])
), called AS (
    SELECT 'family' AS word, c.person_id, row_number() OVER (ORDER BY c.rank) AS rank, false AS off_duty
    FROM contact c JOIN person p ON p.id = c.person_id AND p.canary = %(canary)s WHERE c.home_id = %(home_id)s
    UNION ALL
    SELECT word, person_id, NULL, rostered AND NOT somebody FROM had WHERE on_shift OR NOT somebody
)
SELECT c.*, (SELECT greatest(%(step)s, coalesce(max(n.round) + 1, 0)) FROM notification n WHERE n.alert_id = %(id)s AND n.message = 'alert') AS number
FROM called c ORDER BY c.rank NULLS LAST, c.person_id LIMIT 500;

-- name: call_in
INSERT INTO alert_guest (alert_id, person_id) SELECT %(id)s, unnest(%(people)s::bigint[]) ON CONFLICT DO NOTHING;

-- name: somebody_was_asked
-- Whether an offer went out at this look: whoever has no channel was offered it and knows of nothing.
SELECT EXISTS (SELECT FROM notification WHERE alert_id = %(id)s AND message = 'offer' AND created_at = %(now)s) AS reached;
