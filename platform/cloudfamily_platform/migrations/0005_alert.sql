-- Alerts, how they are escalated, who is told and who goes.

-- A policy is never edited: a change is a new version, and an alert keeps the version it began with.
CREATE TABLE policy (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    district_id smallint REFERENCES district,
    severity    text NOT NULL CHECK (severity IN ('critical', 'high', 'low')),
    plan        jsonb NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    UNIQUE (code, version)
);
INSERT INTO policy (code, version, severity, plan) VALUES
('critical', 1, 'critical', '{"steps": [
    {"after_s": 0,   "tell": ["family:1"], "offer": 2},
    {"after_s": 30,  "tell": ["family", "operators"], "offer": 3},
    {"after_s": 90,  "tell": ["family", "operators", "supervisors"], "offer": 3}],
  "repeat_s": 120, "repeats": 30, "offer_s": 45, "accepted_s": 600, "on_the_way_s": 2700, "there_s": 14400}'),
('high', 1, 'high', '{"steps": [
    {"after_s": 0,   "tell": ["family:1"], "offer": 1},
    {"after_s": 120, "tell": ["family", "operators"], "offer": 2},
    {"after_s": 600, "tell": ["supervisors"], "offer": 2}],
  "repeat_s": 900, "repeats": 20, "offer_s": 120, "accepted_s": 1800, "on_the_way_s": 3600, "there_s": 14400}'),
('low', 1, 'low', '{"steps": [
    {"after_s": 0,     "tell": [], "offer": 0},
    {"after_s": 14400, "tell": ["family:1"], "offer": 0}],
  "repeat_s": 86400, "repeats": 14, "offer_s": 3600, "accepted_s": 86400, "on_the_way_s": 86400, "there_s": 86400}');

CREATE TABLE alert (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id       integer REFERENCES home,
    district_id   smallint REFERENCES district,
    device_code   text,
    kind          text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('critical', 'high', 'low')),
    why           jsonb NOT NULL DEFAULT '{}',
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'on_the_way', 'there', 'resolved')),
    presses       integer NOT NULL DEFAULT 1,
    seq           bigint,
    policy_id     integer NOT NULL REFERENCES policy,
    step          integer NOT NULL DEFAULT 0,
    handler_id    bigint REFERENCES person,
    opened_at     timestamptz NOT NULL,
    accepted_at   timestamptz,
    on_the_way_at timestamptz,
    there_at      timestamptz,
    resolved_at   timestamptz,
    outcome       text CHECK (outcome IN ('real', 'false_alarm', 'test')),
    -- When the escalate stage looks at it next; only a resolved alert has no clock.
    due_at        timestamptz,
    canary        boolean NOT NULL DEFAULT false,
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK ((state = 'resolved') = (outcome IS NOT NULL)),
    CHECK ((state = 'resolved') = (due_at IS NULL)),
    CHECK (state IN ('open', 'resolved') OR handler_id IS NOT NULL),
    CHECK (home_id IS NOT NULL OR device_code IS NOT NULL)
);
-- One live alert per home and kind; for a device that nobody knows, per device and kind.
CREATE UNIQUE INDEX alert_one_live ON alert (coalesce('home ' || home_id, 'device ' || device_code), kind) WHERE state <> 'resolved';
CREATE INDEX alert_due ON alert (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_resolved ON alert (resolved_at DESC) WHERE state = 'resolved';
CREATE INDEX alert_home ON alert (home_id);

-- The timeline: append-only, and numbered in the order of the commits, so that "everything after 55" misses nothing.
CREATE TABLE alert_event (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL REFERENCES alert,
    at       timestamptz NOT NULL,
    kind     text NOT NULL,
    actor_id bigint REFERENCES person,
    params   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_event_alert ON alert_event (alert_id, id);

CREATE FUNCTION alert_event_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('alert_event'));
    RETURN NULL;
END $$;
CREATE TRIGGER alert_event_in_order BEFORE INSERT ON alert_event FOR EACH STATEMENT EXECUTE FUNCTION alert_event_in_order();

CREATE FUNCTION alert_event_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('alert_event', '');
    RETURN NULL;
END $$;
CREATE TRIGGER alert_event_tell AFTER INSERT ON alert_event FOR EACH STATEMENT EXECUTE FUNCTION alert_event_tell();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER alert_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE alert_event ENABLE ALWAYS TRIGGER alert_event_append_only;

CREATE TABLE offer (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   bigint NOT NULL REFERENCES alert,
    person_id  bigint NOT NULL REFERENCES person,
    distance_m integer NOT NULL,
    state      text NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'accepted', 'declined', 'lapsed', 'withdrawn')),
    offered_at timestamptz NOT NULL,
    -- When it lapses; NULL: no longer standing.
    due_at     timestamptz,
    UNIQUE (alert_id, person_id),
    CHECK ((state = 'offered') = (due_at IS NOT NULL))
);
CREATE INDEX offer_due ON offer (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX offer_person ON offer (person_id);

-- Somebody goes: one live response an alert.
CREATE TABLE response (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id      bigint NOT NULL REFERENCES alert,
    person_id     bigint NOT NULL REFERENCES person,
    accepted_at   timestamptz NOT NULL,
    on_the_way_at timestamptz,
    there_at      timestamptz,
    ended_at      timestamptz,
    ended         text CHECK (ended IN ('resolved', 'dropped')),
    closed_by     bigint REFERENCES person,
    -- When a visit is to be made of it; NULL: not yet ended, or done.
    due_at        timestamptz,
    CHECK ((ended IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX response_one_live ON response (alert_id) WHERE ended IS NULL;
CREATE INDEX response_person ON response (person_id);
CREATE INDEX response_due ON response (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE notification (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   bigint NOT NULL REFERENCES alert,
    person_id  bigint NOT NULL REFERENCES person,
    channel    text NOT NULL,
    -- What is said: alert (with its card), offer (no name, no address), accepted, there, resolved, taken, confirm_visit.
    message    text NOT NULL,
    params     jsonb NOT NULL DEFAULT '{}',
    round      integer NOT NULL DEFAULT 0,
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    tries      smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    -- When to send, or, while sending, when the claim ends; NULL: sent or given up.
    due_at     timestamptz,
    sent_at    timestamptz,
    error      text,
    UNIQUE (alert_id, person_id, message, round)
);
CREATE INDEX notification_due ON notification (due_at) WHERE due_at IS NOT NULL;

-- An alert as people see it, with those who may see it.
CREATE VIEW alert_view AS
SELECT a.*, d.code AS district_code, d.name_zh AS district_zh, d.name_en AS district_en,
       h.code AS home_code, h.address, h.lat, h.lon,
       (SELECT string_agg(p.name, ' · ' ORDER BY p.id) FROM resident s JOIN person p ON p.id = s.person_id WHERE s.home_id = a.home_id) AS elder,
       handler.name AS handler_name,
       ARRAY(SELECT c.person_id FROM contact c WHERE c.home_id = a.home_id) AS family,
       ARRAY(SELECT o.person_id FROM offer o WHERE o.alert_id = a.id AND o.state IN ('offered', 'accepted', 'lapsed')) AS offered,
       ARRAY(SELECT r.person_id FROM response r WHERE r.alert_id = a.id AND r.ended IS NULL) AS responding
FROM alert a
LEFT JOIN home h ON h.id = a.home_id
LEFT JOIN district d ON d.id = a.district_id
LEFT JOIN person handler ON handler.id = a.handler_id;
