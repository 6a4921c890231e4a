-- name: reach_of
SELECT x.channel, x.address, x.rank, x.dead_at,
       trial.state AS trial_state, trial.created_at AS trial_at, trial.error AS trial_error
FROM reach x LEFT JOIN LATERAL (
    SELECT coalesce(CASE WHEN n.read_at IS NOT NULL THEN 'read' WHEN n.delivered_at IS NOT NULL THEN 'delivered' END, n.state) AS state, n.created_at, n.error
    FROM notification n WHERE n.person_id = x.person_id AND n.channel = x.channel AND n.message = 'trial' ORDER BY n.id DESC LIMIT 1) trial ON true
WHERE x.person_id = %(person_id)s ORDER BY x.rank, x.channel;

-- name: quiet_of
SELECT quiet_from, quiet_to FROM person WHERE id = %(person_id)s;

-- name: rank_reach
UPDATE reach x SET rank = o.rank FROM unnest(%(channels)s::text[]) WITH ORDINALITY AS o(channel, rank)
WHERE x.person_id = %(person_id)s AND x.channel = o.channel;

-- name: set_quiet
UPDATE person SET quiet_from = %(begins)s, quiet_to = %(ends)s WHERE id = %(person_id)s;

-- name: forget_reach
DELETE FROM reach WHERE person_id = %(person_id)s AND channel <> ALL(%(keep)s);

-- name: put_reach
INSERT INTO reach (person_id, channel, address, rank) VALUES (%(person_id)s, %(channel)s, %(address)s, %(rank)s)
ON CONFLICT (person_id, channel) DO UPDATE SET address = EXCLUDED.address, rank = EXCLUDED.rank,
    dead_at = CASE WHEN reach.address = EXCLUDED.address THEN reach.dead_at END;

-- name: person_for_operator
-- Somebody of the operator's districts: by a role there, or as family of a home there.
SELECT p.id FROM person p WHERE p.code = %(code)s AND p.canary = %(canary)s
  AND (%(whole_city)s OR EXISTS (SELECT FROM role r WHERE r.person_id = p.id AND r.district_id = ANY(%(districts)s))
       OR EXISTS (SELECT FROM contact c JOIN home h ON h.id = c.home_id WHERE c.person_id = p.id AND h.district_id = ANY(%(districts)s)));

-- name: tried_lately
SELECT FROM notification WHERE person_id = %(person_id)s AND channel = %(channel)s AND message = 'trial' AND created_at > %(since)s LIMIT 1;
