-- name: set_place
UPDATE responder SET seen_lat = %(lat)s, seen_lon = %(lon)s, seen_at = %(now)s WHERE person_id = %(person_id)s RETURNING person_id;

-- name: forget_places
UPDATE responder SET seen_lat = NULL, seen_lon = NULL, seen_at = NULL WHERE seen_at < %(before)s;
