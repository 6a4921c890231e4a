-- A visit: somebody was at somebody's home, from when to when, and who else says so.
CREATE TABLE visit (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    response_id   bigint UNIQUE REFERENCES response,
    home_id       integer NOT NULL REFERENCES home,
    person_id     bigint NOT NULL REFERENCES person,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz NOT NULL,
    verified_at   timestamptz,
    verified_by   bigint REFERENCES person,
    -- When the time bank is to credit it; NULL: not verified yet, not to be credited, or done.
    credit_due_at timestamptz,
    canary        boolean NOT NULL DEFAULT false,
    CHECK (ended_at >= started_at),
    CHECK ((verified_at IS NULL) = (verified_by IS NULL)),
    CHECK (verified_by <> person_id),
    CHECK (credit_due_at IS NULL OR verified_at IS NOT NULL)
);
CREATE INDEX visit_credit_due ON visit (credit_due_at) WHERE credit_due_at IS NOT NULL;
CREATE INDEX visit_person ON visit (person_id);
CREATE INDEX visit_unverified ON visit (ended_at) WHERE verified_at IS NULL;
