-- Who may speak at the broker. Only hashes are kept: of the secret in Mosquitto's own form, of the enrolment code as SHA-256.
CREATE TABLE credential (
    -- A device code, or the name of an edge, bridge or service.
    username   text PRIMARY KEY CHECK (username ~ '^[A-Za-z0-9_.-]{1,64}$'),
    kind       text NOT NULL CHECK (kind IN ('device', 'edge', 'bridge', 'service')),
    -- $7$ iterations $ salt $ PBKDF2-SHA512; NULL: it never had a secret, and is here because its certificate was revoked.
    hash       text CHECK (hash ~ '^\$7\$[0-9]+\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$'),
    -- Topics below which a bridge speaks for devices of another family, each without a slash at its end.
    bases      text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    -- When its present secret was made.
    issued_at  timestamptz,
    revoked_at timestamptz,
    CHECK ((kind = 'bridge') = (bases <> '{}')),
    CHECK (hash IS NOT NULL OR revoked_at IS NOT NULL)
);

-- A code on a sticker that makes a device's secret, once.
CREATE TABLE enrolment (
    hash       bytea PRIMARY KEY,
    username   text NOT NULL CHECK (username ~ '^[A-Za-z0-9_.-]{1,64}$'),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
-- One code at a time for each device.
CREATE UNIQUE INDEX enrolment_open ON enrolment (username) WHERE used_at IS NULL;
