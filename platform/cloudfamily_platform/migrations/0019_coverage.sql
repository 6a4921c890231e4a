-- Found before the alarm, not after: who has answered a test message, and what the last look at the coverage has counted.

ALTER TABLE reach
    -- When this person last wrote or pressed a button by this way.
    ADD COLUMN heard_at timestamptz;

-- A test message goes the way of all others, but belongs to no alert.
ALTER TABLE notification
    ALTER COLUMN alert_id DROP NOT NULL,
    ADD CONSTRAINT notification_of_an_alert CHECK (alert_id IS NOT NULL OR message IN ('reach_test', 'trial'));
CREATE INDEX notification_reach_test ON notification (due_at) WHERE message = 'reach_test' AND due_at IS NOT NULL;

-- Whether somebody is reached by one of their ways: asked, reminded, answered or missed.
CREATE TABLE reach_test (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   bigint NOT NULL REFERENCES person,
    channel     text NOT NULL,
    -- The Monday of its week; NULL: an operator asked for it.
    week        date,
    -- NULL: not asked yet.
    asked_at    timestamptz,
    answered_at timestamptz,
    -- When it is to be asked, reminded of, or given up; NULL: it is over.
    due_at      timestamptz,
    -- answered: the button of the message; heard: they used this way by themselves; missed: neither within a day; dropped: they
    -- were no longer on a policy, or no longer had this way, when it was to be asked.
    result      text CHECK (result IN ('answered', 'heard', 'missed', 'dropped')),
    UNIQUE (person_id, channel, week),
    CHECK ((result IS NULL) = (due_at IS NOT NULL)),
    CHECK (result IS NULL OR (result IN ('answered', 'heard')) = (answered_at IS NOT NULL))
);
CREATE INDEX reach_test_due ON reach_test (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reach_test_missed ON reach_test (person_id, channel) WHERE result = 'missed';

-- Everybody whom a policy can tell something, by district: NULL is the whole city.
CREATE VIEW tellable AS
SELECT c.person_id, h.district_id, 'family' AS part
FROM contact c JOIN home h ON h.id = c.home_id AND NOT h.canary JOIN person p ON p.id = c.person_id AND NOT p.canary
UNION
SELECT r.person_id, r.district_id, r.role
FROM role r JOIN person p ON p.id = r.person_id AND NOT p.canary
WHERE r.role IN ('operator', 'supervisor')
   OR (r.role IN ('caregiver', 'volunteer') AND EXISTS (SELECT FROM responder v WHERE v.person_id = r.person_id));

-- Who missed their last test by a way and has not been heard by it since: how many tests in a row, and since when.
CREATE VIEW unreached AS
SELECT t.person_id, t.channel, count(*) AS times, min(t.asked_at) AS since
FROM reach_test t LEFT JOIN reach x ON x.person_id = t.person_id AND x.channel = t.channel
WHERE t.result = 'missed' AND coalesce(x.heard_at < t.asked_at, true)
  AND NOT EXISTS (SELECT FROM reach_test a WHERE a.person_id = t.person_id AND a.channel = t.channel AND a.answered_at >= t.asked_at)
GROUP BY t.person_id, t.channel;

-- Great-circle metres between two places in WGS-84 degrees (haversine), as alerts/matching.py has it.
CREATE FUNCTION great_circle_m(lat1 float8, lon1 float8, lat2 float8, lon2 float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 2 * 6371000 * asin(sqrt(least(1, sin(radians(lat2 - lat1) / 2) ^ 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ^ 2)))
$$;

-- The last daily look at the coverage: so many problems of each kind.
CREATE TABLE coverage_count (
    kind       text PRIMARY KEY,
    problems   integer NOT NULL,
    counted_at timestamptz NOT NULL
);
