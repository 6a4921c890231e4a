-- Places, people and what they are to each other.
CREATE TABLE district (
    id      smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL UNIQUE,
    name_zh text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE station (
    id          smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district_id smallint NOT NULL REFERENCES district,
    code        text NOT NULL UNIQUE,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    lat         float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon         float8 NOT NULL CHECK (lon BETWEEN -180 AND 180)
);

-- A canary person or home exercises the whole path and never reaches people nor figures.
CREATE TABLE person (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    name       text NOT NULL,
    language   text NOT NULL DEFAULT 'zh-CN' CHECK (language IN ('zh-CN', 'en')),
    phone      text,
    sex        text CHECK (sex IN ('female', 'male')),
    birth_date date,
    canary     boolean NOT NULL DEFAULT false
);

-- What somebody may do; district_id NULL means the whole city.
CREATE TABLE role (
    person_id   bigint NOT NULL REFERENCES person,
    role        text NOT NULL CHECK (role IN ('operator', 'supervisor', 'caregiver', 'volunteer', 'family')),
    district_id smallint REFERENCES district,
    UNIQUE NULLS NOT DISTINCT (person_id, role, district_id)
);

CREATE TABLE home (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL UNIQUE,
    district_id     smallint NOT NULL REFERENCES district,
    station_id      smallint REFERENCES station,
    address         text NOT NULL,
    lat             float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon             float8 NOT NULL CHECK (lon BETWEEN -180 AND 180),
    key_code        text,
    timezone        text NOT NULL DEFAULT 'Asia/Shanghai',
    silence_minutes integer NOT NULL DEFAULT 480 CHECK (silence_minutes BETWEEN 10 AND 10080),
    watched_from    timestamptz NOT NULL,
    -- When the silence rule looks at this home next; NULL: it is not watched for silence.
    due_at          timestamptz,
    canary          boolean NOT NULL DEFAULT false
);
CREATE INDEX home_due ON home (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE resident (
    home_id    integer NOT NULL REFERENCES home,
    person_id  bigint NOT NULL REFERENCES person,
    conditions text[] NOT NULL DEFAULT '{}',
    medicines  text[] NOT NULL DEFAULT '{}',
    languages  text[] NOT NULL DEFAULT '{}',
    hearing    text,
    notes      text,
    PRIMARY KEY (home_id, person_id)
);

-- Family in the order in which they are told: rank 1 first.
CREATE TABLE contact (
    home_id   integer NOT NULL REFERENCES home,
    person_id bigint NOT NULL REFERENCES person,
    relation  text NOT NULL,
    rank      smallint NOT NULL CHECK (rank BETWEEN 1 AND 20),
    PRIMARY KEY (home_id, person_id),
    UNIQUE (home_id, rank)
);
CREATE INDEX contact_person ON contact (person_id);

CREATE TABLE device (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9_.-]{1,64}$'),
    home_id        integer NOT NULL REFERENCES home,
    kind           text NOT NULL,
    -- A device says something at least this often; twice this long without a word makes it suspect.
    report_minutes integer NOT NULL DEFAULT 60 CHECK (report_minutes BETWEEN 1 AND 44640),
    watched_from   timestamptz NOT NULL,
    due_at         timestamptz
);
CREATE INDEX device_home ON device (home_id);
CREATE INDEX device_due ON device (due_at) WHERE due_at IS NOT NULL;

-- Somebody who can be sent: where they start from, what they can do, how far they go.
CREATE TABLE responder (
    person_id   bigint PRIMARY KEY REFERENCES person,
    lat         float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon         float8 NOT NULL CHECK (lon BETWEEN -180 AND 180),
    reach_m     integer NOT NULL DEFAULT 5000 CHECK (reach_m BETWEEN 100 AND 100000),
    skills      text[] NOT NULL DEFAULT '{}',
    on_duty     boolean NOT NULL DEFAULT true
);

-- How somebody can be told something; dead_at is set when the channel says that the address is dead.
CREATE TABLE reach (
    person_id bigint NOT NULL REFERENCES person,
    channel   text NOT NULL,
    address   text NOT NULL,
    dead_at   timestamptz,
    PRIMARY KEY (person_id, channel),
    UNIQUE (channel, address)
);

-- One-time links: to sign in, or to bind a chat. Only the hash is kept.
CREATE TABLE ticket (
    hash       bytea PRIMARY KEY,
    person_id  bigint NOT NULL REFERENCES person,
    purpose    text NOT NULL CHECK (purpose IN ('sign_in', 'chat')),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

CREATE TABLE session (
    hash       bytea PRIMARY KEY,
    person_id  bigint NOT NULL REFERENCES person,
    csrf       text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
