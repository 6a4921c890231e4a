-- Limits and circles of an elder's own, the room and the wearer of a device, and what is watched for by silence.
ALTER TABLE device
    ADD COLUMN room text CHECK (room IN ('living', 'bedroom', 'bathroom', 'kitchen', 'hall', 'balcony', 'other')),
    -- Who wears or uses it, where a home has several elders; NULL: whoever lives there.
    ADD COLUMN person_id bigint REFERENCES person;

-- Rows are only added: the newest of a home, person and quantity counts, and the others say who had set what before.
CREATE TABLE vital_limit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id     integer NOT NULL REFERENCES home,
    -- NULL: everybody in the home.
    person_id   bigint REFERENCES person,
    quantity    smallint NOT NULL,
    -- The least and the most that still calls nobody; NULL: as everybody's.
    low         float8,
    high        float8,
    urgent_low  float8,
    urgent_high float8,
    -- NEWS2's SpO2 scale; 2 only where a doctor has prescribed 88-92 % (hypercapnic respiratory failure).
    scale       smallint NOT NULL DEFAULT 1 CHECK (scale IN (1, 2)),
    set_by      bigint REFERENCES person,
    at          timestamptz NOT NULL,
    CHECK (low < high), CHECK (urgent_low <= low), CHECK (urgent_high >= high)
);
CREATE INDEX vital_limit_home ON vital_limit (home_id, id);
CREATE INDEX vital_limit_at ON vital_limit (at);

-- Where somebody may be. One that is changed ends, and another takes its place.
CREATE TABLE geofence (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id    integer NOT NULL REFERENCES home,
    person_id  bigint REFERENCES person,
    name       text NOT NULL CHECK (name <> ''),
    lat        float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon        float8 NOT NULL CHECK (lon BETWEEN -180 AND 180),
    radius_m   integer NOT NULL CHECK (radius_m BETWEEN 50 AND 100000),
    -- Local hours in which leaving it is told; NULL: always.
    starts     time,
    ends       time,
    set_by     bigint REFERENCES person,
    at         timestamptz NOT NULL,
    ended_at   timestamptz,
    -- When it was made or ended, whichever is later.
    changed_at timestamptz NOT NULL,
    CHECK ((starts IS NULL) = (ends IS NULL))
);
CREATE INDEX geofence_home ON geofence (home_id) WHERE ended_at IS NULL;
CREATE INDEX geofence_changed ON geofence (changed_at);

-- What is noticed by silence or by how long it lasts, one row for each home and kind: a lazy deadline.
CREATE TABLE watch_rule (
    home_id      integer NOT NULL REFERENCES home,
    kind         text NOT NULL,
    -- What this home has other than the usual.
    settings     jsonb NOT NULL DEFAULT '{}',
    -- Nothing before this counts: it began then, or we heard nothing before.
    watched_from timestamptz NOT NULL,
    -- Since when what was told last has lasted; told once.
    episode      timestamptz,
    -- When it is looked at; NULL: switched off.
    due_at       timestamptz,
    -- NULL: it came with the home's devices.
    set_by       bigint REFERENCES person,
    set_at       timestamptz,
    PRIMARY KEY (home_id, kind)
);
CREATE INDEX watch_rule_due ON watch_rule (due_at) WHERE due_at IS NOT NULL;
