-- The ledger. One row of `transfer` is a whole transfer (who gives, who gets, how many minutes), so the sum of all
-- accounts is zero by construction. Nothing here is ever changed or removed: a mistake is put right by a counter-transfer.

-- unit 1: exchangeable minutes; unit 2: honour minutes, which are shown and never spent.
CREATE TABLE account (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- issue: where credited minutes come from; pool: the public pool; both are kept per district (NULL: the city's).
    kind        text NOT NULL CHECK (kind IN ('person', 'issue', 'pool')),
    unit        smallint NOT NULL CHECK (unit IN (1, 2)),
    person_id   bigint REFERENCES person,
    district_id smallint REFERENCES district,
    opened_at   timestamptz NOT NULL,
    CHECK ((kind = 'person') = (person_id IS NOT NULL)),
    CHECK (kind <> 'person' OR district_id IS NULL),
    UNIQUE NULLS NOT DISTINCT (kind, unit, person_id, district_id),
    UNIQUE (id, unit)
);
CREATE INDEX account_person ON account (person_id) WHERE person_id IS NOT NULL;

-- Only people's accounts have a stored balance: a pool that everybody pays into would be one hot row.
-- The names of the CHECKs are the codes of the refusals.
CREATE TABLE balance (
    account_id bigint PRIMARY KEY REFERENCES account,
    posted     bigint NOT NULL DEFAULT 0,
    held       bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    lo         bigint NOT NULL DEFAULT 0,
    -- NULL: no cap.
    hi         bigint,
    CONSTRAINT overdraft CHECK (posted - held >= lo),
    CONSTRAINT cap_reached CHECK (posted <= hi)
) WITH (fillfactor = 50);

-- The allow-list: what may flow from where to where.
CREATE TABLE transfer_rule (
    kind      text NOT NULL,
    from_kind text NOT NULL,
    to_kind   text NOT NULL,
    unit      smallint NOT NULL CHECK (unit IN (1, 2)),
    PRIMARY KEY (kind, from_kind, to_kind, unit)
);
INSERT INTO transfer_rule (kind, from_kind, to_kind, unit) VALUES
    ('credit', 'issue', 'person', 1),
    ('honour', 'issue', 'person', 2),
    ('overflow', 'issue', 'pool', 1),
    ('gift', 'person', 'person', 1),
    ('donation', 'person', 'pool', 1),
    ('correction', 'person', 'issue', 1),
    ('correction', 'person', 'issue', 2);

CREATE TABLE transfer (
    -- Made by the client, so that asking twice is the same as asking once.
    id             uuid PRIMARY KEY,
    seq            bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    debit_id       bigint NOT NULL,
    credit_id      bigint NOT NULL,
    unit           smallint NOT NULL,
    minutes        integer NOT NULL CHECK (minutes BETWEEN 1 AND 100000),
    kind           text NOT NULL,
    visit_id       bigint REFERENCES visit,
    -- Pack and version by which the minutes were counted.
    policy         text NOT NULL,
    reason         text NOT NULL CONSTRAINT reason_too_long CHECK (length(reason) <= 200),
    -- Who answers for it; NULL: the platform itself, by rule.
    actor_id       bigint REFERENCES person,
    event_at       timestamptz NOT NULL,
    written_at     timestamptz NOT NULL,
    request_digest bytea NOT NULL CHECK (length(request_digest) = 32),
    canary         boolean NOT NULL,
    CHECK (debit_id <> credit_id),
    -- Both accounts are of this unit: units never mix, whoever writes the row.
    FOREIGN KEY (debit_id, unit) REFERENCES account (id, unit),
    FOREIGN KEY (credit_id, unit) REFERENCES account (id, unit)
);
CREATE INDEX transfer_debit ON transfer (debit_id, seq);
CREATE INDEX transfer_credit ON transfer (credit_id, seq);
-- A visit is credited once. The index's name is the code of the refusal.
CREATE UNIQUE INDEX visit_credited ON transfer (visit_id, kind) WHERE visit_id IS NOT NULL;

CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE transfer ENABLE ALWAYS TRIGGER transfer_append_only;
-- An account that changed hands would take its past with it.
CREATE TRIGGER account_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE account ENABLE ALWAYS TRIGGER account_append_only;

-- The account, opened when it is not there yet. p_hi is the cap in minutes of a person's account (NULL: none).
CREATE FUNCTION timebank_account(
    p_kind text, p_unit smallint, p_person_id bigint, p_district_id smallint, p_hi bigint, p_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT a.id INTO found_id FROM account a
    WHERE a.kind = p_kind AND a.unit = p_unit
      AND a.person_id IS NOT DISTINCT FROM p_person_id AND a.district_id IS NOT DISTINCT FROM p_district_id;
    IF FOUND THEN
        RETURN found_id;
    END IF;
    INSERT INTO account (kind, unit, person_id, district_id, opened_at)
    VALUES (p_kind, p_unit, p_person_id, p_district_id, p_at) ON CONFLICT DO NOTHING RETURNING id INTO found_id;
    IF found_id IS NULL THEN -- somebody opened it in this very moment
        RETURN timebank_account(p_kind, p_unit, p_person_id, p_district_id, p_hi, p_at);
    END IF;
    IF p_kind = 'person' THEN
        INSERT INTO balance (account_id, hi) VALUES (found_id, p_hi);
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION timebank_refuse(p_sqlstate text, p_code text, p_message text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_message USING ERRCODE = p_sqlstate, DETAIL = p_code;
END $$;

-- The answer given before to this id, or no row. TB001 when it was given to another request.
CREATE FUNCTION timebank_recall(p_id uuid, p_digest bytea) RETURNS TABLE (seq bigint, written_at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    known transfer;
BEGIN
    SELECT * INTO known FROM transfer t WHERE t.id = p_id;
    IF known.id IS NULL THEN
        RETURN;
    END IF;
    IF known.request_digest <> p_digest THEN
        PERFORM timebank_refuse('TB001', 'different_request', format('transfer %s was another request', p_id));
    END IF;
    RETURN QUERY SELECT known.seq, known.written_at;
END $$;

-- The only way into `transfer`. The refusal's code stands in the error's detail:
--   TB001 different_request · TB002 no_such_account · TB003 same_account · TB004 units_differ
--   TB005 minutes_out_of_range · TB006 kind_not_allowed
-- and in the name of the violated constraint: overdraft, cap_reached, visit_credited, reason_too_long.
-- p_minutes is numeric so that NaN, infinities, fractions and 2^63 are refused here and not by some cast.
CREATE FUNCTION timebank_post(
    p_id uuid, p_debit_id bigint, p_credit_id bigint, p_minutes numeric, p_kind text, p_visit_id bigint, p_policy text,
    p_reason text, p_actor_id bigint, p_event_at timestamptz, p_written_at timestamptz, p_canary boolean,
    OUT seq bigint, OUT written_at timestamptz, OUT repeated boolean
) LANGUAGE plpgsql AS $$
DECLARE
    -- A JSON array keeps the fields apart whatever they contain. When it was written is not part of the request.
    digest bytea := sha256(convert_to(jsonb_build_array(
        p_id, p_debit_id, p_credit_id, p_minutes, p_kind, p_visit_id, p_policy,
        p_reason, p_actor_id, extract(epoch FROM p_event_at), p_canary)::text, 'UTF8'));
    giver account;
    taker account;
BEGIN
    -- In id order, so that two transfers between the same people never wait for each other.
    PERFORM FROM balance b WHERE b.account_id IN (p_debit_id, p_credit_id) ORDER BY b.account_id FOR NO KEY UPDATE;

    SELECT r.seq, r.written_at, true INTO seq, written_at, repeated FROM timebank_recall(p_id, digest) r;
    IF FOUND THEN
        RETURN;
    END IF;

    SELECT * INTO giver FROM account a WHERE a.id = p_debit_id;
    SELECT * INTO taker FROM account a WHERE a.id = p_credit_id;
    IF giver.id IS NULL OR taker.id IS NULL THEN
        PERFORM timebank_refuse('TB002', 'no_such_account', 'there is no such account');
    ELSIF giver.id = taker.id THEN
        PERFORM timebank_refuse('TB003', 'same_account', 'giver and taker are the same account');
    ELSIF giver.unit <> taker.unit THEN
        PERFORM timebank_refuse('TB004', 'units_differ', 'exchangeable and honour minutes never mix');
    ELSIF p_minutes IS NULL OR p_minutes NOT BETWEEN 1 AND 100000 OR p_minutes <> trunc(p_minutes) THEN
        PERFORM timebank_refuse('TB005', 'minutes_out_of_range', 'a transfer has 1 to 100000 whole minutes');
    ELSIF NOT EXISTS (SELECT FROM transfer_rule r WHERE r.kind = p_kind AND r.from_kind = giver.kind
                      AND r.to_kind = taker.kind AND r.unit = giver.unit) THEN
        PERFORM timebank_refuse('TB006', 'kind_not_allowed', format('no %s from %s to %s', p_kind, giver.kind, taker.kind));
    END IF;

    -- The row first: when the same id comes at once with other accounts, the second waits here, not on a balance.
    INSERT INTO transfer AS t (id, debit_id, credit_id, unit, minutes, kind, visit_id, policy, reason, actor_id,
                               event_at, written_at, request_digest, canary)
    VALUES (p_id, p_debit_id, p_credit_id, giver.unit, p_minutes, p_kind, p_visit_id, p_policy, p_reason, p_actor_id,
            p_event_at, p_written_at, digest, p_canary)
    ON CONFLICT (id) DO NOTHING RETURNING t.seq, t.written_at, false INTO seq, written_at, repeated;
    IF NOT FOUND THEN
        SELECT r.seq, r.written_at, true INTO seq, written_at, repeated FROM timebank_recall(p_id, digest) r;
        RETURN;
    END IF;

    UPDATE balance b SET posted = b.posted + CASE WHEN b.account_id = p_credit_id THEN p_minutes ELSE -p_minutes END
    WHERE b.account_id IN (p_debit_id, p_credit_id);
END $$;

-- Two lines of each transfer: what the account gave (minus) and what it got (plus).
CREATE VIEW entry AS
SELECT t.seq, t.id AS transfer_id, l.account_id, l.minutes, t.unit, t.kind, t.visit_id, t.reason, t.event_at, t.canary
FROM transfer t CROSS JOIN LATERAL (VALUES (t.debit_id, -t.minutes), (t.credit_id, t.minutes)) AS l (account_id, minutes);

-- What the transfers say about each account, whether a balance is stored or not.
CREATE VIEW account_balance AS
SELECT a.id AS account_id, a.kind, a.unit, a.person_id, a.district_id, coalesce(s.minutes, 0) AS minutes
FROM account a LEFT JOIN (SELECT account_id, sum(minutes)::bigint AS minutes FROM entry GROUP BY account_id) s ON s.account_id = a.id;

-- What must never be: each of these views is empty, or the ledger has been tampered with.
CREATE VIEW audit_sum_zero AS
SELECT unit, sum(minutes) AS minutes FROM account_balance GROUP BY unit HAVING sum(minutes) <> 0;

-- Nothing holds minutes yet, so `held` is zero.
CREATE VIEW audit_balance_matches AS
SELECT a.account_id, a.minutes, b.posted, b.held
FROM account_balance a LEFT JOIN balance b ON b.account_id = a.account_id
WHERE (a.kind = 'person') <> (b.account_id IS NOT NULL) OR b.posted <> a.minutes OR b.held <> 0;

-- Every credited minute comes from one verified visit of that same person, and no visit is credited twice.
CREATE VIEW audit_one_credit_per_visit AS
SELECT t.seq, t.visit_id, 'not of a verified visit of this person' AS what
FROM transfer t JOIN account a ON a.id = t.credit_id LEFT JOIN visit v ON v.id = t.visit_id
WHERE t.kind IN ('credit', 'honour', 'overflow')
  AND (v.verified_at IS NULL OR (a.kind = 'person' AND a.person_id <> v.person_id))
UNION ALL
SELECT max(t.seq), t.visit_id, 'credited more than once'
FROM transfer t WHERE t.visit_id IS NOT NULL GROUP BY t.visit_id, t.kind HAVING count(*) > 1;
