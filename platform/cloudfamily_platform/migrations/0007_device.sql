-- A device that has spoken but that nobody has given a home yet is a row without one.
ALTER TABLE device
    ALTER COLUMN home_id DROP NOT NULL,
    -- The dialect in which it speaks.
    ADD COLUMN family text NOT NULL DEFAULT 'own',
    ADD COLUMN vendor text,
    ADD COLUMN model text,
    -- What its people call it.
    ADD COLUMN name text,
    -- The hub or bridge through which it speaks: silent together with it.
    ADD COLUMN hub_id integer REFERENCES device,
    -- The edge that hands its words on; its answers go that way.
    ADD COLUMN edge text,
    -- Where it hears commands, in the words of its dialect.
    ADD COLUMN address text,
    ADD COLUMN mains boolean,
    -- What its model promises. regular: a word each report_minutes, so silence means dead; events: it speaks only when something happens.
    ADD COLUMN promise text NOT NULL DEFAULT 'regular' CHECK (promise IN ('regular', 'events')),
    ADD COLUMN first_seen_at timestamptz,
    -- Its last will or its bridge says that it is away.
    ADD COLUMN offline_since timestamptz,
    -- Found silent for longer than it promises.
    ADD COLUMN silent_since timestamptz,
    -- When its battery will be empty, going on as in the last weeks.
    ADD COLUMN battery_empty_on date;
CREATE INDEX device_unbound ON device (first_seen_at) WHERE home_id IS NULL;
CREATE INDEX device_hub ON device (hub_id) WHERE hub_id IS NOT NULL;

-- Alarms that stand: smoke, water, a latched sos. Only a rise is a signal, however often the same is said again.
CREATE TABLE level (
    device_code text NOT NULL,
    kind        text NOT NULL,
    active      boolean NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (device_code, kind)
);
CREATE INDEX level_active ON level (device_code, kind) WHERE active;

-- A signal of no single home: a gateway or a district that has gone dark.
ALTER TABLE signal ADD COLUMN district_id smallint REFERENCES district;
