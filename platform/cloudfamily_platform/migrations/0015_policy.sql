-- Policies for a kind of alarm, neighbouring districts, and rosters: rotations and overrides from which shifts are written.

-- NULL: every kind of this severity.
ALTER TABLE policy ADD COLUMN kind text CHECK (kind <> '');
ALTER TABLE policy ADD COLUMN created_at timestamptz;
ALTER TABLE policy ADD COLUMN created_by bigint REFERENCES person;

-- The policy under which an alert begins, the most specific first: of its district and kind, of its district, of its kind,
-- of all. The general one counts even where somebody has switched it off: an alarm is never without a policy.
CREATE FUNCTION policy_for(place smallint, what text, how_bad text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT p.id FROM policy p
    WHERE p.severity = how_bad AND (p.district_id IS NULL OR p.district_id = place) AND (p.kind IS NULL OR p.kind = what)
      AND (p.active OR (p.district_id IS NULL AND p.kind IS NULL))
    ORDER BY p.active DESC, p.district_id NULLS LAST, p.kind NULLS LAST, p.version DESC, p.id DESC LIMIT 1
$$;

-- Whose operators are called when a district's own do not answer.
CREATE TABLE neighbour (
    district_id  smallint NOT NULL REFERENCES district,
    neighbour_id smallint NOT NULL REFERENCES district,
    PRIMARY KEY (district_id, neighbour_id),
    CHECK (district_id <> neighbour_id)
);

-- An operator of another district who was called in: sees the alert as those of its own district do.
CREATE TABLE alert_guest (
    alert_id  bigint NOT NULL REFERENCES alert,
    person_id bigint NOT NULL REFERENCES person,
    PRIMARY KEY (alert_id, person_id)
);

-- People take turns. What it says is written out into `shift` ahead of time.
CREATE TABLE rotation (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CHECK (name <> ''),
    -- NULL: the whole city.
    district_id   smallint REFERENCES district,
    role          text NOT NULL CHECK (role IN ('operator', 'supervisor', 'caregiver', 'volunteer')),
    timezone      text NOT NULL,
    starts_on     date NOT NULL,
    handover_days integer NOT NULL CHECK (handover_days BETWEEN 1 AND 366),
    -- [{"from": "08:00", "to": "16:00", "weekdays": [1, 2], "place": 0}], in local time.
    shifts        jsonb NOT NULL,
    -- Whose public holidays count, such as CN or DE-BY; what is worked on them instead, NULL: the same as always.
    holidays      text,
    on_holidays   jsonb,
    ended_at      timestamptz
);
CREATE UNIQUE INDEX rotation_name ON rotation (coalesce(district_id, 0), role, name) WHERE ended_at IS NULL;

CREATE TABLE rotation_person (
    rotation_id integer NOT NULL REFERENCES rotation,
    place       smallint NOT NULL,
    person_id   bigint NOT NULL REFERENCES person,
    PRIMARY KEY (rotation_id, place)
);

-- Somebody takes the shifts that rotations give to somebody else.
CREATE TABLE override (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instead_of bigint NOT NULL REFERENCES person,
    person_id  bigint NOT NULL REFERENCES person,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    created_by bigint REFERENCES person,
    CHECK (ends_at > starts_at),
    CHECK (instead_of <> person_id)
);
CREATE INDEX override_time ON override (instead_of, ends_at);

-- NULL: somebody entered this shift by itself.
ALTER TABLE shift ADD COLUMN rotation_id integer REFERENCES rotation;
CREATE INDEX shift_rotation ON shift (rotation_id, ends_at) WHERE rotation_id IS NOT NULL;

-- Everybody who has the role in the district or the whole city, whether the role is rostered there at all, and whether they
-- are on shift. Whoever asks tells those on shift, or everybody when nobody is.
CREATE FUNCTION duty(wanted text, place smallint, moment timestamptz)
RETURNS TABLE (person_id bigint, rostered boolean, on_shift boolean) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT r.person_id,
           EXISTS (SELECT FROM shift s WHERE s.role = wanted AND (s.district_id IS NULL OR s.district_id = place)),
           EXISTS (SELECT FROM shift s WHERE s.person_id = r.person_id AND s.role = wanted AND (s.district_id IS NULL OR s.district_id = place)
                   AND s.starts_at <= moment AND s.ends_at > moment)
    FROM role r WHERE r.role = wanted AND (r.district_id IS NULL OR r.district_id = place)
$$;
