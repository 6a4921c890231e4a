-- Sending somebody: where they are, how they travel, what they may go to; getting in; asking who is alone whether all is well.

ALTER TABLE responder
    -- Who starts from a station needs no place of their own.
    ALTER COLUMN lat DROP NOT NULL,
    ALTER COLUMN lon DROP NOT NULL,
    ADD COLUMN station_id smallint REFERENCES station,
    ADD CHECK (lat IS NOT NULL AND lon IS NOT NULL OR station_id IS NOT NULL),
    ADD COLUMN mode text NOT NULL DEFAULT 'ebike' CHECK (mode IN ('walk', 'bicycle', 'ebike', 'car')),
    ADD COLUMN languages text[] NOT NULL DEFAULT '{}',
    -- True for those we have: a flag that nobody has set yet must not leave an elder alone.
    ADD COLUMN trained boolean NOT NULL DEFAULT true,
    -- The last place that they told us, and no other; it is deleted after a day.
    ADD COLUMN seen_lat float8 CHECK (seen_lat BETWEEN -90 AND 90),
    ADD COLUMN seen_lon float8 CHECK (seen_lon BETWEEN -180 AND 180),
    ADD COLUMN seen_at timestamptz,
    ADD CHECK (num_nulls(seen_lat, seen_lon, seen_at) IN (0, 3));

ALTER TABLE home
    -- What who comes should be able to do besides what the alert asks for: lifting, …
    ADD COLUMN needs text[] NOT NULL DEFAULT '{}',
    -- Whom the elder would rather have at the door; `only`: nobody else, unless a life is at stake.
    ADD COLUMN responder_sex text CHECK (responder_sex IN ('female', 'male')),
    ADD COLUMN responder_sex_only boolean NOT NULL DEFAULT false;

-- Who has a key: responders, neighbours, family.
CREATE TABLE key_holder (
    home_id   integer NOT NULL REFERENCES home,
    person_id bigint NOT NULL REFERENCES person,
    note      text,
    PRIMARY KEY (home_id, person_id)
);
CREATE INDEX key_holder_person ON key_holder (person_id);

-- Who may go to what. Of the rows that fit a role and an alert, one for its kind comes before one for its severity, that before a
-- general one; where no row fits, whoever has the role may go.
CREATE TABLE may_go (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role     text NOT NULL CHECK (role IN ('caregiver', 'volunteer')),
    -- NULL: any.
    severity text CHECK (severity IN ('critical', 'high', 'low')),
    kind     text,
    allowed  boolean NOT NULL DEFAULT true,
    -- All of them are asked for.
    skills   text[] NOT NULL DEFAULT '{}',
    trained  boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (role, severity, kind)
);
INSERT INTO may_go (role, severity, skills, trained) VALUES
('caregiver', 'critical', '{first_aid}', false), ('caregiver', 'high', '{visit}', false), ('caregiver', 'low', '{device}', false),
('volunteer', 'critical', '{first_aid}', true), ('volunteer', 'high', '{visit}', true), ('volunteer', 'low', '{device}', true);
-- Fire and gas are for those who are paid and insured, behind 119.
INSERT INTO may_go (role, kind, allowed) VALUES ('volunteer', 'smoke', false), ('volunteer', 'gas', false), ('volunteer', 'co', false);

ALTER TABLE offer
    -- Why they, in seconds: matching.Match.why.
    ADD COLUMN why jsonb NOT NULL DEFAULT '{}',
    -- Why they cannot come.
    ADD COLUMN reason text CHECK (reason IN ('busy', 'too_far', 'unwell', 'other')),
    ADD COLUMN answered_at timestamptz;

ALTER TABLE alert
    DROP CONSTRAINT alert_state_check,
    ADD CONSTRAINT alert_state_check CHECK (state IN ('open', 'accepted', 'on_the_way', 'there', 'inside', 'resolved')),
    -- Entry gained.
    ADD COLUMN inside_at timestamptz;

ALTER TABLE response
    DROP CONSTRAINT response_ended_check,
    ADD CONSTRAINT response_ended_check CHECK (ended IN ('resolved', 'dropped', 'released')),
    ADD COLUMN inside_at timestamptz,
    -- Seconds of travel that were reckoned when they were asked; NULL: nobody knows where they started.
    ADD COLUMN travel_s integer,
    -- When we next look whether somebody who goes alone is well; NULL: we do not.
    ADD COLUMN checkin_at timestamptz,
    -- Since when they have been asked and have not answered.
    ADD COLUMN asked_at timestamptz,
    -- Since when operators know that they do not answer.
    ADD COLUMN silent_at timestamptz;
CREATE INDEX response_checkin ON response (checkin_at) WHERE checkin_at IS NOT NULL AND ended IS NULL;
CREATE INDEX response_alert ON response (alert_id);
CREATE INDEX response_accepted ON response (accepted_at);

DROP VIEW alert_view;
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
