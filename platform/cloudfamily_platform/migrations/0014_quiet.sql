-- What belongs together is one matter, what flaps is one line, and what people asked to be quiet waits as a row until it is said.

-- Homes of one building (same district, same name) share its power and its network; NULL: we do not know.
ALTER TABLE home ADD COLUMN building text CHECK (length(building) BETWEEN 1 AND 100);
CREATE INDEX home_building ON home (district_id, building) WHERE building IS NOT NULL;

-- The place that is dark: a whole district (district_id), or one building of a district (the two columns below).
ALTER TABLE outage
    ALTER COLUMN district_id DROP NOT NULL,
    ADD COLUMN building_district_id smallint REFERENCES district,
    ADD COLUMN building text,
    ADD CHECK (num_nonnulls(district_id, building_district_id) = 1),
    ADD CHECK ((building IS NULL) = (building_district_id IS NULL));
CREATE UNIQUE INDEX outage_one_live_building ON outage (building_district_id, building) WHERE ended_at IS NULL;

-- Alerts of one home that were live together: one conversation. A row only where there is more than one.
CREATE TABLE incident (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id   integer NOT NULL REFERENCES home,
    opened_at timestamptz NOT NULL
);
ALTER TABLE alert
    ADD COLUMN incident_id bigint REFERENCES incident,
    -- It is a line of this critical alert and tells nobody by itself, until that one is over; NULL: it speaks for itself.
    ADD COLUMN told_with bigint REFERENCES alert,
    -- What it was raised for was over by itself then; NULL: it is not, or not known to be.
    ADD COLUMN recovered_at timestamptz,
    DROP CONSTRAINT alert_outcome_check,
    ADD CONSTRAINT alert_outcome_check CHECK (outcome IN ('real', 'false_alarm', 'test', 'merged', 'recovered')),
    -- Life safety is closed by people, and never a line of something else.
    ADD CONSTRAINT alert_critical_is_closed_by_people CHECK (severity <> 'critical' OR outcome <> 'recovered'),
    ADD CONSTRAINT alert_critical_speaks CHECK (severity <> 'critical' OR told_with IS NULL);
CREATE FUNCTION alert_is_worse(severity text, than text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position('{low,high,critical}'::text[], severity) > array_position('{low,high,critical}'::text[], than)
$$;
CREATE INDEX alert_incident ON alert (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX alert_told_with ON alert (told_with) WHERE told_with IS NOT NULL;
CREATE INDEX alert_recovered ON alert (recovered_at) WHERE state = 'open' AND recovered_at IS NOT NULL;

-- A time in which people want to hear nothing of some kinds at some place. Never of life safety.
CREATE TABLE quiet_window (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope        text NOT NULL CHECK (scope IN ('city', 'district', 'building', 'home', 'device')),
    -- Whose operators look after it: of every scope but the city.
    district_id  smallint REFERENCES district,
    building     text,
    home_id      integer REFERENCES home,
    device_code  text,
    -- Empty: all that are not life safety.
    kinds        text[] NOT NULL DEFAULT '{}',
    -- Once: from starts_at to ends_at. Recurring: between these two, on the weekdays (1 Monday), from_time to to_time in the zone.
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    weekdays     smallint[],
    from_time    time,
    to_time      time,
    timezone     text NOT NULL,
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    made_by      bigint NOT NULL REFERENCES person,
    made_at      timestamptz NOT NULL,
    cancelled_at timestamptz,
    cancelled_by bigint REFERENCES person,
    CHECK (ends_at > starts_at),
    CHECK (num_nulls(weekdays, from_time, to_time) IN (0, 3)),
    CHECK (weekdays IS NULL OR (cardinality(weekdays) BETWEEN 1 AND 7 AND weekdays <@ '{1,2,3,4,5,6,7}'::smallint[])),
    CHECK (ends_at - starts_at <= CASE WHEN weekdays IS NULL THEN interval '30 days' ELSE interval '367 days' END),
    CHECK ((scope = 'city') = (district_id IS NULL)),
    CHECK ((scope = 'building') = (building IS NOT NULL)),
    CHECK ((scope = 'home') = (home_id IS NOT NULL)),
    CHECK ((scope = 'device') = (device_code IS NOT NULL)),
    CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL)),
    CONSTRAINT quiet_window_never_life_safety CHECK (NOT kinds && '{sos,fall,smoke,gas,co,heart_rate_urgent,respiration_urgent,spo2_urgent,
        blood_pressure_urgent,body_temperature_urgent,glucose_urgent}')
);
CREATE INDEX quiet_window_time ON quiet_window (ends_at, starts_at) WHERE cancelled_at IS NULL;

-- A hazard that was not said to anybody, why, and what became of it. Nothing is quieted without such a row.
CREATE TABLE quieted (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause       text NOT NULL CHECK (cause IN ('window', 'dark', 'flap')),
    window_id   bigint REFERENCES quiet_window,
    outage_id   bigint REFERENCES outage,
    home_id     integer REFERENCES home,
    district_id smallint REFERENCES district,
    device_code text,
    kind        text NOT NULL,
    severity    text NOT NULL CONSTRAINT quieted_never_life_safety CHECK (severity <> 'critical'),
    why         jsonb NOT NULL,
    seq         bigint,
    -- How often it came, first and last.
    times       integer NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    -- When it is judged anew; NULL: it was.
    due_at      timestamptz,
    -- raised: it was still true, and is an alert (or quieted anew, for another cause: no alert_id); over: it was not.
    ended       text CHECK (ended IN ('raised', 'over')),
    ended_at    timestamptz,
    alert_id    bigint REFERENCES alert,
    CHECK ((due_at IS NULL) = (ended IS NOT NULL)),
    CHECK ((ended IS NULL) = (ended_at IS NULL)),
    CHECK ((cause = 'window') = (window_id IS NOT NULL)),
    CHECK ((cause = 'dark') = (outage_id IS NOT NULL))
);
CREATE UNIQUE INDEX quieted_one_live ON quieted (kind, coalesce('home ' || home_id, ''), coalesce(device_code, '')) WHERE ended IS NULL;
CREATE INDEX quieted_due ON quieted (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX quieted_window ON quieted (window_id) WHERE window_id IS NOT NULL;
CREATE INDEX quieted_home ON quieted (home_id, first_at);

-- How often a device has raised something lately; what was held of a home.
CREATE INDEX signal_device_time ON signal (device_code, received_at);
CREATE INDEX signal_held ON signal (home_id, received_at) WHERE held;
