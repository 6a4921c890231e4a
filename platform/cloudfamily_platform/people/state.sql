-- name: home_states_since
SELECT s.id, s.state, s.starts_at, s.ends_at, s.note, p.name AS set_by, s.set_at, e.name AS ended_by
FROM home_state s JOIN person p ON p.id = s.set_by LEFT JOIN person e ON e.id = s.ended_by
WHERE s.home_id = %(home_id)s AND s.ends_at >= %(since)s ORDER BY s.starts_at DESC, s.id DESC LIMIT %(most)s;

-- name: lock_home_for_state
SELECT id FROM home WHERE id = %(home_id)s FOR NO KEY UPDATE;

-- name: add_home_state
INSERT INTO home_state (home_id, state, starts_at, ends_at, note, set_by, set_at)
SELECT %(home_id)s, %(state)s, %(starts_at)s, %(ends_at)s, %(note)s, %(person_id)s, %(now)s
WHERE (SELECT count(*) FROM home_state WHERE home_id = %(home_id)s AND ends_at > %(now)s) < %(most)s RETURNING id;

-- name: end_home_state
UPDATE home_state SET ends_at = greatest(starts_at, %(now)s), ended_by = %(person_id)s
WHERE id = %(id)s AND home_id = %(home_id)s AND ends_at > %(now)s RETURNING id;

-- name: home_state_exists
SELECT EXISTS (SELECT FROM home_state WHERE id = %(id)s AND home_id = %(home_id)s) AS there;

-- name: look_at_home_now
UPDATE home SET due_at = least(due_at, %(now)s) WHERE id = %(home_id)s AND due_at IS NOT NULL;

-- name: inferred_state
SELECT state, since FROM routine WHERE home_id = %(home_id)s;
