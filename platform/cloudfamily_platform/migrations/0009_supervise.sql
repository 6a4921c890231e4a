-- Knowing that things are alive: what a device promises, what holds an alarm back, districts and gateways that go dark.
ALTER TABLE device
    -- Who says report_minutes: nobody, its model (models.toml), or the device itself or an operator, who win over the model.
    ADD COLUMN report_from text NOT NULL DEFAULT 'nobody' CHECK (report_from IN ('nobody', 'model', 'said')),
    ADD COLUMN bound_at timestamptz,
    -- The day on which its battery was last looked at.
    ADD COLUMN battery_looked_on date;
UPDATE device SET bound_at = watched_from WHERE home_id IS NOT NULL;
CREATE INDEX device_silent ON device (silent_since) WHERE silent_since IS NOT NULL;
CREATE INDEX device_edge ON device (edge) WHERE edge IS NOT NULL;

-- Whoever gives a device its home, the ledger of tests knows since when.
CREATE FUNCTION device_bound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.bound_at := coalesce(NEW.bound_at, NEW.watched_from);
    RETURN NEW;
END $$;
CREATE TRIGGER device_bound BEFORE INSERT OR UPDATE OF home_id ON device
    FOR EACH ROW WHEN (NEW.home_id IS NOT NULL) EXECUTE FUNCTION device_bound();

-- Not raised: it is part of a greater outage, or was over before it was due.
ALTER TABLE signal ADD COLUMN held boolean NOT NULL DEFAULT false;

-- A district whose homes fell silent together: one incident, and the alarms beneath it are held while it lasts.
CREATE TABLE outage (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district_id smallint NOT NULL REFERENCES district,
    began_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    -- When it is looked at again; NULL: it is over.
    due_at      timestamptz,
    CHECK ((ended_at IS NULL) = (due_at IS NOT NULL))
);
CREATE UNIQUE INDEX outage_one_live ON outage (district_id) WHERE ended_at IS NULL;
CREATE INDEX outage_due ON outage (due_at) WHERE due_at IS NOT NULL;

-- Each gateway has a row of its own beside the one of all gateways together.
ALTER TABLE alive
    -- When the alerts' side looks whether it still lives; NULL: it does not look.
    ADD COLUMN due_at timestamptz,
    ADD COLUMN dark_since timestamptz;
CREATE INDEX alive_due ON alive (due_at) WHERE due_at IS NOT NULL;
