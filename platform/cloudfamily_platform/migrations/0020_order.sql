-- Whoever writes into one alert's timeline no longer waits for whoever writes into another's: in a storm, one lock for all of
-- them was what everybody waited for. The numbers of events therefore need not rise in the order of the commits any more; who
-- reads them on asks up to which number all is settled, and reads no further.

-- A lock that nobody ever waits for. It says: the numbers that this transaction will get are above where the sequence stands now.
CREATE OR REPLACE FUNCTION alert_event_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared((1::bigint << 62) + (SELECT last_value - (NOT is_called)::integer FROM alert_event_id_seq));
    RETURN NULL;
END $$;

-- The number up to which every event is either there to be seen by a later statement or will never be. Ask first, read then: in the
-- same statement the rows are older than the answer. The sequence is looked at before the locks: whoever takes a lock after
-- that gets higher numbers than it stood at.
CREATE FUNCTION alert_event_settled() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    given bigint;
    oldest bigint;
BEGIN
    SELECT last_value - (NOT is_called)::integer INTO given FROM alert_event_id_seq;
    SELECT min((classid::bigint << 32 | objid::bigint) - (1::bigint << 62)) INTO oldest FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 30 = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(given, oldest);
END $$;

-- Of one alert, one writes after the other: the place and the hash of a line are made of the line before it, and whoever had
-- to wait draws a new number, so that the numbers of one timeline rise with its lines.
CREATE OR REPLACE FUNCTION alert_event_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('alert_event'), (NEW.alert_id % 2147483648)::integer);
    SELECT a.canary, e.id, e.n, e.hash INTO before
    FROM alert a LEFT JOIN LATERAL (SELECT x.id, x.n, x.hash FROM alert_event x WHERE x.alert_id = a.id ORDER BY x.n DESC LIMIT 1) e ON true
    WHERE a.id = NEW.alert_id;
    IF before.id > NEW.id THEN
        NEW.id := nextval('alert_event_id_seq');
    END IF;
    NEW.canary := coalesce(before.canary, false);
    NEW.n := coalesce(before.n, 0) + 1;
    NEW.hash := alert_event_hash(before.hash, NEW.alert_id, NEW.n, NEW.at, NEW.kind, NEW.actor_id, NEW.params);
    RETURN NEW;
END $$;

-- Whoever puts something into the outbox wakes `deliver`.
CREATE FUNCTION notification_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('notification', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notification_tell AFTER INSERT ON notification FOR EACH STATEMENT EXECUTE FUNCTION notification_tell();
