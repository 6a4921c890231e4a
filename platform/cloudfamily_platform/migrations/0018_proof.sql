-- The timeline proves itself: the lines of each alert are a chain of hashes, and seals cover all of them in order.
-- docs/operations.md says what this shows and what it cannot.

ALTER TABLE alert_event
    -- The place of the line in its alert's timeline: 1, 2, 3 …
    ADD COLUMN n      integer,
    ADD COLUMN hash   bytea,
    -- Written of a canary: not sealed, and the only lines that may be forgotten.
    ADD COLUMN canary boolean NOT NULL DEFAULT false;

-- One field after the other, each behind its length (4 bytes, -1 for NULL), so that no two lines are written alike.
CREATE FUNCTION alert_event_hash(
    previous bytea, alert_id bigint, n integer, at timestamptz, kind text, actor_id bigint, params jsonb
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(
        coalesce(int4send(octet_length(previous)) || previous, int4send(-1))
        || int4send(8) || int8send(alert_id)
        || int4send(4) || int4send(n)
        || int4send(8) || int8send((extract(epoch FROM at) * 1000000)::bigint)
        || int4send(octet_length(convert_to(kind, 'UTF8'))) || convert_to(kind, 'UTF8')
        || coalesce(int4send(8) || int8send(actor_id), int4send(-1))
        || int4send(octet_length(convert_to(params::text, 'UTF8'))) || convert_to(params::text, 'UTF8'))
$$;

ALTER TABLE alert_event DISABLE TRIGGER alert_event_append_only;
UPDATE alert_event e SET canary = true FROM alert a WHERE a.id = e.alert_id AND a.canary;
DO $$
DECLARE
    line record;
    place integer;
    of_alert bigint;
    before bytea;
BEGIN
    FOR line IN SELECT id, alert_id, at, kind, actor_id, params FROM alert_event ORDER BY alert_id, id LOOP
        IF of_alert IS DISTINCT FROM line.alert_id THEN
            of_alert := line.alert_id;
            place := 0;
            before := NULL;
        END IF;
        place := place + 1;
        before := alert_event_hash(before, line.alert_id, place, line.at, line.kind, line.actor_id, line.params);
        UPDATE alert_event SET n = place, hash = before WHERE id = line.id;
    END LOOP;
END $$;
ALTER TABLE alert_event ENABLE ALWAYS TRIGGER alert_event_append_only;
CREATE UNIQUE INDEX alert_event_place ON alert_event (alert_id, n);

-- Whoever writes a line, the database gives it its place and its hash: the lock of alert_event_in_order is held by now.
CREATE FUNCTION alert_event_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    SELECT a.canary, e.n, e.hash INTO before
    FROM alert a LEFT JOIN LATERAL (SELECT x.n, x.hash FROM alert_event x WHERE x.alert_id = a.id ORDER BY x.n DESC LIMIT 1) e ON true
    WHERE a.id = NEW.alert_id;
    NEW.canary := coalesce(before.canary, false);
    NEW.n := coalesce(before.n, 0) + 1;
    NEW.hash := alert_event_hash(before.hash, NEW.alert_id, NEW.n, NEW.at, NEW.kind, NEW.actor_id, NEW.params);
    RETURN NEW;
END $$;
CREATE TRIGGER alert_event_chain BEFORE INSERT ON alert_event FOR EACH ROW EXECUTE FUNCTION alert_event_chain();

-- Nothing is changed, and nothing is taken away but a canary's: one a minute would bury what is real.
DROP TRIGGER alert_event_append_only ON alert_event;
CREATE TRIGGER alert_event_append_only BEFORE UPDATE OR TRUNCATE ON alert_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER alert_event_kept BEFORE DELETE ON alert_event FOR EACH ROW WHEN (NOT OLD.canary) EXECUTE FUNCTION refuse_change();
ALTER TABLE alert_event ENABLE ALWAYS TRIGGER alert_event_append_only;
ALTER TABLE alert_event ENABLE ALWAYS TRIGGER alert_event_kept;

-- The same check as `cloudfamily check timeline`, in the database's own words: empty, or somebody was here.
CREATE VIEW audit_timeline AS
SELECT l.alert_id, l.n, l.id
FROM (SELECT e.*, lag(e.hash) OVER w AS previous, row_number() OVER w AS place FROM alert_event e WINDOW w AS (PARTITION BY e.alert_id ORDER BY e.n, e.id)) l
WHERE l.n IS DISTINCT FROM l.place
   OR l.hash IS DISTINCT FROM alert_event_hash(l.previous, l.alert_id, l.n, l.at, l.kind, l.actor_id, l.params);

-- A seal covers the lines of all alerts since the last one, and that one. Its hash, told elsewhere, vouches for all before it.
CREATE TABLE timeline_seal (
    id       bigint PRIMARY KEY,
    at       timestamptz NOT NULL,
    -- It covers the events after_id < id <= upto_id but for canaries': so many, of so many alerts.
    after_id bigint NOT NULL,
    upto_id  bigint NOT NULL,
    events   integer NOT NULL,
    alerts   integer NOT NULL,
    -- sha256 over each of these events' id (8 bytes) and hash, in the order of their ids.
    digest   bytea NOT NULL,
    -- sha256 over the hash of the seal before (none: 32 zero bytes), id, at in microseconds, after_id, upto_id, events, alerts
    -- (8 bytes each), and digest.
    hash     bytea NOT NULL,
    CHECK (upto_id > after_id)
);
CREATE FUNCTION timeline_seal_hash(
    previous bytea, id bigint, at timestamptz, after_id bigint, upto_id bigint, events bigint, alerts bigint, digest bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(coalesce(previous, decode(repeat('00', 32), 'hex')) || int8send(id) || int8send((extract(epoch FROM at) * 1000000)::bigint)
                  || int8send(after_id) || int8send(upto_id) || int8send(events) || int8send(alerts) || digest)
$$;
CREATE TRIGGER timeline_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE timeline_seal ENABLE ALWAYS TRIGGER timeline_seal_append_only;

-- What is taken away with a canary's alert is found without reading all that is not.
CREATE INDEX alert_canary ON alert (resolved_at) WHERE canary;
CREATE INDEX command_alert ON command (alert_id) WHERE alert_id IS NOT NULL;

-- What each process's watchdog found at its last look: the outside heartbeat goes out only while all of them find nothing.
CREATE TABLE watchdog (
    process text PRIMARY KEY,
    at      timestamptz NOT NULL,
    ill     text[] NOT NULL
);

-- How quickly somebody answered, came and got in. An alert that opened again keeps its first times.
CREATE INDEX alert_opened ON alert (opened_at);
CREATE VIEW alert_clock AS
SELECT a.id, a.kind, a.severity, a.canary, a.outcome, a.home_id, a.district_id, a.opened_at, a.accepted_at, a.resolved_at,
       -- The decision to send somebody: the first who said that they go.
       sent.at AS sent_at, coalesce(sent.there_at, a.there_at) AS there_at, (to_jsonb(a) ->> 'inside_at')::timestamptz AS inside_at,
       -- Who answered: the first who took it, or who closed it at once.
       (SELECT e.actor_id FROM alert_event e WHERE e.alert_id = a.id AND e.kind IN ('accepted', 'resolved') ORDER BY e.n LIMIT 1) AS answered_by
FROM alert a
LEFT JOIN LATERAL (SELECT min(r.accepted_at) AS at, min(r.there_at) AS there_at FROM response r WHERE r.alert_id = a.id) sent ON true;
