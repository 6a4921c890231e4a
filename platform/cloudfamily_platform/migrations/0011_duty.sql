-- Once a period, however many processes run; who is on duty when; by which way somebody is told first.

-- Work that comes round: whoever holds the row does it, and sets when it is due next.
CREATE TABLE job (
    name    text PRIMARY KEY,
    due_at  timestamptz NOT NULL,
    -- When it last ended well, and why it did not since.
    done_at timestamptz,
    error   text
);
CREATE INDEX job_due ON job (due_at);

-- Somebody is on duty from when to when. Rotations are written out into these rows ahead of time, so that "who is on
-- duty at T" is one look here. A role of a district that has no row at all is not rostered: all who have it are on duty.
CREATE TABLE shift (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   bigint NOT NULL REFERENCES person,
    role        text NOT NULL CHECK (role IN ('operator', 'supervisor', 'caregiver', 'volunteer')),
    -- NULL: the whole city.
    district_id smallint REFERENCES district,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    CHECK (ends_at > starts_at)
);
CREATE INDEX shift_time ON shift (role, district_id, ends_at, starts_at);
CREATE INDEX shift_person ON shift (person_id, ends_at);

-- The lowest rank is tried first.
ALTER TABLE reach ADD COLUMN rank smallint NOT NULL DEFAULT 1 CHECK (rank BETWEEN 1 AND 20);
-- The channels that the policy allows, in its order; NULL: any of the person's.
ALTER TABLE notification ADD COLUMN by text[];
