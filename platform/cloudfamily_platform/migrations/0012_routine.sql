-- A home's learned rhythm, and the states that people set for it.
ALTER TABLE home
    -- How many wrong "no movement" alarms a month this home's people bear: fewer means later alarms. `silence_minutes` other than 480,
    -- its default, is the family's own limit: no silence may be longer, whatever the home is used to.
    ADD COLUMN bearable_alarms_per_month real NOT NULL DEFAULT 1 CHECK (bearable_alarms_per_month BETWEEN 0.01 AND 100);

CREATE TABLE routine (
    home_id       integer PRIMARY KEY REFERENCES home,
    -- The digest of alerts/rules/routine.py; it has heard everything up to here, and counted anew from the last start before that.
    model         jsonb NOT NULL,
    learned_until timestamptz NOT NULL,
    -- What was last seen by it, and since when the home is so.
    state         text NOT NULL CHECK (state IN ('home', 'away', 'asleep')),
    since         timestamptz NOT NULL,
    looked_at     timestamptz NOT NULL
);

CREATE TABLE home_state (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id   integer NOT NULL REFERENCES home,
    state     text NOT NULL CHECK (state IN ('away', 'visitor', 'hospital', 'asleep')),
    starts_at timestamptz NOT NULL,
    -- It ends by itself, always; whoever ends it earlier moves this to when they did.
    ends_at   timestamptz NOT NULL,
    note      text NOT NULL DEFAULT '',
    set_by    bigint NOT NULL REFERENCES person,
    set_at    timestamptz NOT NULL,
    ended_by  bigint REFERENCES person,
    CHECK (ends_at >= starts_at),
    CHECK (ends_at <= starts_at + CASE state WHEN 'asleep' THEN interval '14 hours' ELSE interval '30 days' END)
);
CREATE INDEX home_state_home ON home_state (home_id, ends_at);
