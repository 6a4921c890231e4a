-- What we say to devices: answers to a press, and commands (sound, light up, say, report more often, test yourself).
ALTER TABLE command
    DROP CONSTRAINT command_answer_check,
    ALTER COLUMN answer DROP NOT NULL,
    ADD CONSTRAINT command_answer_check CHECK (answer IN ('received', 'help_is_coming', 'on_the_way', 'resolved')),
    ADD COLUMN kind text NOT NULL DEFAULT 'answer' CHECK (kind IN ('answer', 'siren', 'light', 'voice', 'interval', 'test')),
    ADD COLUMN params jsonb NOT NULL DEFAULT '{}',
    -- queued → sent (the broker has it) → delivered (the device has it) → done, failed or expired. Answers, and commands to a
    -- device that cannot report, end as sent.
    ADD COLUMN state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'delivered', 'expired', 'done', 'failed')),
    ADD COLUMN tries smallint NOT NULL DEFAULT 0,
    ADD COLUMN created_at timestamptz,
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN delivered_at timestamptz,
    -- When it ended: done, failed or expired.
    ADD COLUMN done_at timestamptz,
    -- Why it failed, in the device's words or ours.
    ADD COLUMN error text,
    ADD COLUMN created_by bigint REFERENCES person,
    ADD COLUMN alert_id bigint REFERENCES alert;
UPDATE command SET created_at = expires_at - interval '10 minutes';
UPDATE command SET state = 'sent', sent_at = created_at WHERE due_at IS NULL;
ALTER TABLE command
    ALTER COLUMN kind DROP DEFAULT,
    ALTER COLUMN created_at SET NOT NULL,
    ADD CHECK ((kind = 'answer') = (answer IS NOT NULL)),
    -- due_at: when it is sent, sent again or given up; NULL: nobody waits for more.
    ADD CHECK (due_at IS NOT NULL OR state NOT IN ('queued', 'delivered')),
    ADD CHECK (due_at IS NULL OR state IN ('queued', 'sent', 'delivered')),
    ADD CHECK (state <> 'sent' OR sent_at IS NOT NULL),
    ADD CHECK (state <> 'delivered' OR delivered_at IS NOT NULL),
    ADD CHECK ((state IN ('expired', 'done', 'failed')) = (done_at IS NOT NULL)),
    ADD CHECK (state <> 'failed' OR error IS NOT NULL);
CREATE INDEX command_device ON command (device_code, id);

-- Only forward: what arrives late or twice changes nothing. A device that says done after the time is believed.
CREATE FUNCTION command_step(state text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position('{queued,sent,delivered,expired,done}'::text[], CASE state WHEN 'failed' THEN 'done' ELSE state END)
$$;
CREATE FUNCTION command_refuse_backward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'command %: from % to % is not forward', OLD.id, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER command_forward BEFORE UPDATE OF state ON command FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND command_step(NEW.state) <= command_step(OLD.state)) EXECUTE FUNCTION command_refuse_backward();

-- Which home a device belongs to, and belonged to: what it said there is of that home, and of no other.
CREATE TABLE binding (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES device,
    home_id    integer NOT NULL REFERENCES home,
    -- NULL: for as long as we have known the device.
    bound_at   timestamptz,
    bound_by   bigint REFERENCES person,
    unbound_at timestamptz,
    unbound_by bigint REFERENCES person
);
CREATE UNIQUE INDEX binding_one_live ON binding (device_id) WHERE unbound_at IS NULL;
CREATE INDEX binding_home ON binding (home_id);
INSERT INTO binding (device_id, home_id) SELECT id, home_id FROM device WHERE home_id IS NOT NULL;

-- Whoever gives a device a home, or takes it away, sets watched_from as well: that is when.
CREATE FUNCTION device_binding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE binding SET unbound_at = NEW.watched_from WHERE device_id = NEW.id AND unbound_at IS NULL;
    END IF;
    IF NEW.home_id IS NOT NULL THEN
        INSERT INTO binding (device_id, home_id, bound_at) VALUES (NEW.id, NEW.home_id, CASE WHEN TG_OP = 'UPDATE' THEN NEW.watched_from END);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER device_born AFTER INSERT ON device FOR EACH ROW WHEN (NEW.home_id IS NOT NULL) EXECUTE FUNCTION device_binding();
CREATE TRIGGER device_moved AFTER UPDATE OF home_id ON device FOR EACH ROW WHEN (OLD.home_id IS DISTINCT FROM NEW.home_id) EXECUTE FUNCTION device_binding();

-- An alert of a device without a home that went into the one which the home had already.
ALTER TABLE alert
    DROP CONSTRAINT alert_outcome_check,
    ADD CONSTRAINT alert_outcome_check CHECK (outcome IN ('real', 'false_alarm', 'test', 'merged'));
