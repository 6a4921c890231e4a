-- name: asked_to_be_called
SELECT FROM alert_event WHERE alert_id = %(id)s AND kind = 'call_me' AND actor_id = %(person_id)s AND at > %(since)s LIMIT 1;

-- name: phone_of
SELECT phone FROM person WHERE id = %(person_id)s;
