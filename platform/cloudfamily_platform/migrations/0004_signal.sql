-- What the gateway hands on: signals to watch, frames that could not be taken, answers to devices.
CREATE TABLE signal (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_code text NOT NULL,
    device_id   integer REFERENCES device,
    home_id     integer REFERENCES home,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    seq         bigint,
    -- The same press said again (a device's retry, a broker's redelivery) has the same value here.
    once        text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    -- When the watch stage looks at it; NULL: done.
    due_at      timestamptz,
    tries       smallint NOT NULL DEFAULT 0,
    UNIQUE (device_code, kind, once)
);
CREATE INDEX signal_due ON signal (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text NOT NULL,
    device_code text,
    reason      text NOT NULL,
    detail      text NOT NULL,
    size        integer NOT NULL,
    sample      bytea NOT NULL CHECK (length(sample) <= 4096),
    digest      bytea NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    times       integer NOT NULL DEFAULT 1,
    cleared_at  timestamptz,
    UNIQUE (digest, reason)
);
CREATE INDEX quarantine_open ON quarantine (last_at) WHERE cleared_at IS NULL;

CREATE TABLE command (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_code text NOT NULL,
    answer      text NOT NULL CHECK (answer IN ('received', 'help_is_coming', 'resolved')),
    seq         bigint,
    -- NULL: sent.
    due_at      timestamptz,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX command_due ON command (due_at) WHERE due_at IS NOT NULL;

-- Who was alive when: after a time in which nobody listened, silence means nothing yet.
CREATE TABLE alive (
    name text PRIMARY KEY,
    at   timestamptz NOT NULL
);
