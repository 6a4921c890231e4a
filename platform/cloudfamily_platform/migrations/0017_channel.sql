-- How people are told: by one channel after another, what each of them proved, and one message in a chat that is kept up to date.

-- A trial message is about no alert.
ALTER TABLE notification ALTER COLUMN alert_id DROP NOT NULL;
-- 0: somebody is called to a life-safety alert; 1: how one goes on; 2: everything else.
ALTER TABLE notification ADD COLUMN priority smallint NOT NULL DEFAULT 2 CHECK (priority BETWEEN 0 AND 2);
-- What a channel proved; `sent_at` alone means: handed over.
ALTER TABLE notification ADD COLUMN delivered_at timestamptz;
ALTER TABLE notification ADD COLUMN read_at timestamptz;
-- When, if it is not read by then, the person's next channel follows; NULL: that is not to be.
ALTER TABLE notification ADD COLUMN unread_at timestamptz;
-- Each channel is a queue of its own, so that none stands behind another's trouble.
CREATE INDEX notification_queue ON notification (channel, priority, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notification_unread ON notification (unread_at) WHERE unread_at IS NOT NULL;
CREATE INDEX notification_person ON notification (person_id, channel, id);

-- What became of a notification on each of the ways that were tried.
CREATE TABLE attempt (
    notification_id bigint NOT NULL REFERENCES notification,
    channel         text NOT NULL,
    -- skipped: the channel was out of order then.
    state           text NOT NULL CHECK (state IN ('sending', 'sent', 'delivered', 'read', 'failed', 'skipped')),
    tries           smallint NOT NULL DEFAULT 0,
    first_at        timestamptz NOT NULL,
    sent_at         timestamptz,
    delivered_at    timestamptz,
    read_at         timestamptz,
    failed_at       timestamptz,
    error           text,
    PRIMARY KEY (notification_id, channel)
);

-- A channel's pace and health, for all processes together. Rates are settings of the channel, not of this row.
CREATE TABLE channel_state (
    name          text PRIMARY KEY,
    -- How many messages may be sent at `filled_at`.
    tokens        float8 NOT NULL DEFAULT 0,
    filled_at     timestamptz,
    -- Failures in a row, and to whom: one person's trouble is not the channel's.
    failures      integer NOT NULL DEFAULT 0,
    failed_people bigint[] NOT NULL DEFAULT '{}',
    -- Until then nothing is sent but one probe at the end; NULL: the channel works. `opened`: how often in a row.
    open_until    timestamptz,
    opened        integer NOT NULL DEFAULT 0,
    probing       boolean NOT NULL DEFAULT false
);
-- Who has a chat with this channel is not sent anything else before this.
ALTER TABLE reach ADD COLUMN free_at timestamptz;

-- No unasked-for sound from … to …, local time; both or neither.
ALTER TABLE person ADD COLUMN quiet_from time;
ALTER TABLE person ADD COLUMN quiet_to time;
ALTER TABLE person ADD CONSTRAINT person_quiet CHECK ((quiet_from IS NULL) = (quiet_to IS NULL));

-- The living message of an alert in somebody's chat: it is edited as the alert goes on.
CREATE TABLE chat_message (
    alert_id   bigint NOT NULL REFERENCES alert,
    person_id  bigint NOT NULL REFERENCES person,
    channel    text NOT NULL,
    address    text NOT NULL,
    -- The channel's own name of the message.
    ref        text NOT NULL,
    shown_hash text NOT NULL,
    sent_at    timestamptz NOT NULL,
    PRIMARY KEY (alert_id, person_id)
);

-- Whoever changes an alert makes its living messages due: notifications of what is so "now", one a person, in the same outbox.
-- The time is the alert's own, never the server's: due at once on any clock.
CREATE FUNCTION alert_redraw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notification (alert_id, person_id, channel, message, priority, created_at, due_at)
    SELECT NEW.id, m.person_id, m.channel, 'now', CASE WHEN NEW.severity = 'critical' THEN 1 ELSE 2 END, changed.at, changed.at
    FROM chat_message m, (SELECT greatest(NEW.opened_at, NEW.accepted_at, NEW.on_the_way_at, NEW.there_at, NEW.resolved_at)) AS changed(at)
    WHERE m.alert_id = NEW.id ORDER BY m.person_id
    ON CONFLICT (alert_id, person_id, message, round)
    DO UPDATE SET channel = EXCLUDED.channel, state = 'waiting', params = '{}', tries = 0, due_at = EXCLUDED.due_at, error = NULL;
    IF FOUND THEN
        PERFORM pg_notify('notification', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alert_redraw AFTER UPDATE OF state, handler_id ON alert
    FOR EACH ROW WHEN ((OLD.state, OLD.handler_id) IS DISTINCT FROM (NEW.state, NEW.handler_id)) EXECUTE FUNCTION alert_redraw();
