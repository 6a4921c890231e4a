-- Made by `cloudfamily schema` from the migrations on plain PostgreSQL. Read it; never edit it.
CREATE FUNCTION public.alert_event_chain() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    before record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('alert_event'), (NEW.alert_id % 2147483648)::integer);
    SELECT a.canary, e.id, e.n, e.hash INTO before
    FROM alert a LEFT JOIN LATERAL (SELECT x.id, x.n, x.hash FROM alert_event x WHERE x.alert_id = a.id ORDER BY x.n DESC LIMIT 1) e ON true
    WHERE a.id = NEW.alert_id;
    IF before.id > NEW.id THEN
        NEW.id := nextval('alert_event_id_seq');
    END IF;
    NEW.canary := coalesce(before.canary, false);
    NEW.n := coalesce(before.n, 0) + 1;
    NEW.hash := alert_event_hash(before.hash, NEW.alert_id, NEW.n, NEW.at, NEW.kind, NEW.actor_id, NEW.params);
    RETURN NEW;
END $$;
CREATE FUNCTION public.alert_event_hash(previous bytea, alert_id bigint, n integer, at timestamp with time zone, kind text, actor_id bigint, params jsonb) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT sha256(
        coalesce(int4send(octet_length(previous)) || previous, int4send(-1))
        || int4send(8) || int8send(alert_id)
        || int4send(4) || int4send(n)
        || int4send(8) || int8send((extract(epoch FROM at) * 1000000)::bigint)
        || int4send(octet_length(convert_to(kind, 'UTF8'))) || convert_to(kind, 'UTF8')
        || coalesce(int4send(8) || int8send(actor_id), int4send(-1))
        || int4send(octet_length(convert_to(params::text, 'UTF8'))) || convert_to(params::text, 'UTF8'))
$$;
CREATE FUNCTION public.alert_event_in_order() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared((1::bigint << 62) + (SELECT last_value - (NOT is_called)::integer FROM alert_event_id_seq));
    RETURN NULL;
END $$;
CREATE FUNCTION public.alert_event_settled() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    given bigint;
    oldest bigint;
BEGIN
    SELECT last_value - (NOT is_called)::integer INTO given FROM alert_event_id_seq;
    SELECT min((classid::bigint << 32 | objid::bigint) - (1::bigint << 62)) INTO oldest FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 30 = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(given, oldest);
END $$;
CREATE FUNCTION public.alert_event_tell() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('alert_event', '');
    RETURN NULL;
END $$;
CREATE FUNCTION public.alert_is_worse(severity text, than text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT array_position('{low,high,critical}'::text[], severity) > array_position('{low,high,critical}'::text[], than)
$$;
CREATE FUNCTION public.alert_redraw() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.command_refuse_backward() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'command %: from % to % is not forward', OLD.id, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.command_step(state text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT array_position('{queued,sent,delivered,expired,done}'::text[], CASE state WHEN 'failed' THEN 'done' ELSE state END)
$$;
CREATE FUNCTION public.device_binding() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE binding SET unbound_at = NEW.watched_from WHERE device_id = NEW.id AND unbound_at IS NULL;
    END IF;
    IF NEW.home_id IS NOT NULL THEN
        INSERT INTO binding (device_id, home_id, bound_at) VALUES (NEW.id, NEW.home_id, CASE WHEN TG_OP = 'UPDATE' THEN NEW.watched_from END);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION public.device_bound() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.bound_at := coalesce(NEW.bound_at, NEW.watched_from);
    RETURN NEW;
END $$;
CREATE FUNCTION public.duty(wanted text, place smallint, moment timestamp with time zone) RETURNS TABLE(person_id bigint, rostered boolean, on_shift boolean)
    LANGUAGE sql STABLE
    AS $$
    SELECT DISTINCT r.person_id,
           EXISTS (SELECT FROM shift s WHERE s.role = wanted AND (s.district_id IS NULL OR s.district_id = place)),
           EXISTS (SELECT FROM shift s WHERE s.person_id = r.person_id AND s.role = wanted AND (s.district_id IS NULL OR s.district_id = place)
                   AND s.starts_at <= moment AND s.ends_at > moment)
    FROM role r WHERE r.role = wanted AND (r.district_id IS NULL OR r.district_id = place)
$$;
CREATE FUNCTION public.great_circle_m(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT 2 * 6371000 * asin(sqrt(least(1, sin(radians(lat2 - lat1) / 2) ^ 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ^ 2)))
$$;
CREATE FUNCTION public.notification_tell() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('notification', '');
    RETURN NULL;
END $$;
CREATE FUNCTION public.policy_for(place smallint, what text, how_bad text) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
    SELECT p.id FROM policy p
    WHERE p.severity = how_bad AND (p.district_id IS NULL OR p.district_id = place) AND (p.kind IS NULL OR p.kind = what)
      AND (p.active OR (p.district_id IS NULL AND p.kind IS NULL))
    ORDER BY p.active DESC, p.district_id NULLS LAST, p.kind NULLS LAST, p.version DESC, p.id DESC LIMIT 1
$$;
CREATE FUNCTION public.reading_maintain(at timestamp with time zone, keep_days integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    week  timestamp;
    child record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('reading_maintain'));
    FOR week IN SELECT generate_series(date_trunc('week', at AT TIME ZONE 'UTC') - interval '1 week',
                                       date_trunc('week', at AT TIME ZONE 'UTC') + interval '2 weeks', '1 week')
    LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)',
                       'reading_' || to_char(week, 'IYYY"w"IW'), week::text || '+00', (week + interval '1 week')::text || '+00');
    END LOOP;
    FOR child IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'reading'::regclass
          AND to_timestamp(substr(c.relname, 9), 'IYYY"w"IW') + interval '1 week' < at - make_interval(days => keep_days)
    LOOP
        EXECUTE format('DROP TABLE %I', child.relname);
    END LOOP;
END $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.timebank_account(p_kind text, p_unit smallint, p_person_id bigint, p_district_id smallint, p_hi bigint, p_at timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.timebank_post(p_id uuid, p_debit_id bigint, p_credit_id bigint, p_minutes numeric, p_kind text, p_visit_id bigint, p_policy text, p_reason text, p_actor_id bigint, p_event_at timestamp with time zone, p_written_at timestamp with time zone, p_canary boolean, OUT seq bigint, OUT written_at timestamp with time zone, OUT repeated boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.timebank_recall(p_id uuid, p_digest bytea) RETURNS TABLE(seq bigint, written_at timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.timebank_refuse(p_sqlstate text, p_code text, p_message text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '%', p_message USING ERRCODE = p_sqlstate, DETAIL = p_code;
END $$;
CREATE FUNCTION public.timeline_seal_hash(previous bytea, id bigint, at timestamp with time zone, after_id bigint, upto_id bigint, events bigint, alerts bigint, digest bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT sha256(coalesce(previous, decode(repeat('00', 32), 'hex')) || int8send(id) || int8send((extract(epoch FROM at) * 1000000)::bigint)
                  || int8send(after_id) || int8send(upto_id) || int8send(events) || int8send(alerts) || digest)
$$;
CREATE TABLE public.account (
    id bigint NOT NULL,
    kind text NOT NULL,
    unit smallint NOT NULL,
    person_id bigint,
    district_id smallint,
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT account_check CHECK (((kind = 'person'::text) = (person_id IS NOT NULL))),
    CONSTRAINT account_check1 CHECK (((kind <> 'person'::text) OR (district_id IS NULL))),
    CONSTRAINT account_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'issue'::text, 'pool'::text]))),
    CONSTRAINT account_unit_check CHECK ((unit = ANY (ARRAY[1, 2])))
);

CREATE TABLE public.transfer (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    unit smallint NOT NULL,
    minutes integer NOT NULL,
    kind text NOT NULL,
    visit_id bigint,
    policy text NOT NULL,
    reason text NOT NULL,
    actor_id bigint,
    event_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone NOT NULL,
    request_digest bytea NOT NULL,
    canary boolean NOT NULL,
    CONSTRAINT reason_too_long CHECK ((length(reason) <= 200)),
    CONSTRAINT transfer_check CHECK ((debit_id <> credit_id)),
    CONSTRAINT transfer_minutes_check CHECK (((minutes >= 1) AND (minutes <= 100000))),
    CONSTRAINT transfer_request_digest_check CHECK ((length(request_digest) = 32))
);

CREATE VIEW public.entry AS
 SELECT t.seq,
    t.id AS transfer_id,
    l.account_id,
    l.minutes,
    t.unit,
    t.kind,
    t.visit_id,
    t.reason,
    t.event_at,
    t.canary
   FROM (public.transfer t
     CROSS JOIN LATERAL ( VALUES (t.debit_id,(- t.minutes)), (t.credit_id,t.minutes)) l(account_id, minutes));
CREATE VIEW public.account_balance AS
 SELECT a.id AS account_id,
    a.kind,
    a.unit,
    a.person_id,
    a.district_id,
    COALESCE(s.minutes, (0)::bigint) AS minutes
   FROM (public.account a
     LEFT JOIN ( SELECT entry.account_id,
            sum(entry.minutes) AS minutes
           FROM public.entry
          GROUP BY entry.account_id) s ON ((s.account_id = a.id)));
ALTER TABLE public.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert (
    id bigint NOT NULL,
    home_id integer,
    district_id smallint,
    device_code text,
    kind text NOT NULL,
    severity text NOT NULL,
    why jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    presses integer DEFAULT 1 NOT NULL,
    seq bigint,
    policy_id integer NOT NULL,
    step integer DEFAULT 0 NOT NULL,
    handler_id bigint,
    opened_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    on_the_way_at timestamp with time zone,
    there_at timestamp with time zone,
    resolved_at timestamp with time zone,
    outcome text,
    due_at timestamp with time zone,
    canary boolean DEFAULT false NOT NULL,
    incident_id bigint,
    told_with bigint,
    recovered_at timestamp with time zone,
    inside_at timestamp with time zone,
    CONSTRAINT alert_check CHECK (((state = 'resolved'::text) = (resolved_at IS NOT NULL))),
    CONSTRAINT alert_check1 CHECK (((state = 'resolved'::text) = (outcome IS NOT NULL))),
    CONSTRAINT alert_check2 CHECK (((state = 'resolved'::text) = (due_at IS NULL))),
    CONSTRAINT alert_check3 CHECK (((state = ANY (ARRAY['open'::text, 'resolved'::text])) OR (handler_id IS NOT NULL))),
    CONSTRAINT alert_check4 CHECK (((home_id IS NOT NULL) OR (device_code IS NOT NULL))),
    CONSTRAINT alert_critical_is_closed_by_people CHECK (((severity <> 'critical'::text) OR (outcome <> 'recovered'::text))),
    CONSTRAINT alert_critical_speaks CHECK (((severity <> 'critical'::text) OR (told_with IS NULL))),
    CONSTRAINT alert_outcome_check CHECK ((outcome = ANY (ARRAY['real'::text, 'false_alarm'::text, 'test'::text, 'merged'::text, 'recovered'::text]))),
    CONSTRAINT alert_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'high'::text, 'low'::text]))),
    CONSTRAINT alert_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'on_the_way'::text, 'there'::text, 'inside'::text, 'resolved'::text])))
);

CREATE TABLE public.alert_event (
    id bigint NOT NULL,
    alert_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor_id bigint,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    n integer,
    hash bytea,
    canary boolean DEFAULT false NOT NULL
);

CREATE TABLE public.response (
    id bigint NOT NULL,
    alert_id bigint NOT NULL,
    person_id bigint NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    on_the_way_at timestamp with time zone,
    there_at timestamp with time zone,
    ended_at timestamp with time zone,
    ended text,
    closed_by bigint,
    due_at timestamp with time zone,
    inside_at timestamp with time zone,
    travel_s integer,
    checkin_at timestamp with time zone,
    asked_at timestamp with time zone,
    silent_at timestamp with time zone,
    CONSTRAINT response_check CHECK (((ended IS NULL) = (ended_at IS NULL))),
    CONSTRAINT response_ended_check CHECK ((ended = ANY (ARRAY['resolved'::text, 'dropped'::text, 'released'::text])))
);

CREATE VIEW public.alert_clock AS
 SELECT a.id,
    a.kind,
    a.severity,
    a.canary,
    a.outcome,
    a.home_id,
    a.district_id,
    a.opened_at,
    a.accepted_at,
    a.resolved_at,
    sent.at AS sent_at,
    COALESCE(sent.there_at, a.there_at) AS there_at,
    ((to_jsonb(a.*) ->> 'inside_at'::text))::timestamp with time zone AS inside_at,
    ( SELECT e.actor_id
           FROM public.alert_event e
          WHERE ((e.alert_id = a.id) AND (e.kind = ANY (ARRAY['accepted'::text, 'resolved'::text])))
          ORDER BY e.n
         LIMIT 1) AS answered_by
   FROM (public.alert a
     LEFT JOIN LATERAL ( SELECT min(r.accepted_at) AS at,
            min(r.there_at) AS there_at
           FROM public.response r
          WHERE (r.alert_id = a.id)) sent ON (true));
ALTER TABLE public.alert_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_guest (
    alert_id bigint NOT NULL,
    person_id bigint NOT NULL
);

ALTER TABLE public.alert ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.contact (
    home_id integer NOT NULL,
    person_id bigint NOT NULL,
    relation text NOT NULL,
    rank smallint NOT NULL,
    CONSTRAINT contact_rank_check CHECK (((rank >= 1) AND (rank <= 20)))
);

CREATE TABLE public.district (
    id smallint NOT NULL,
    code text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE public.home (
    id integer NOT NULL,
    code text NOT NULL,
    district_id smallint NOT NULL,
    station_id smallint,
    address text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    key_code text,
    timezone text DEFAULT 'Asia/Shanghai'::text NOT NULL,
    silence_minutes integer DEFAULT 480 NOT NULL,
    watched_from timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    canary boolean DEFAULT false NOT NULL,
    bearable_alarms_per_month real DEFAULT 1 NOT NULL,
    building text,
    needs text[] DEFAULT '{}'::text[] NOT NULL,
    responder_sex text,
    responder_sex_only boolean DEFAULT false NOT NULL,
    CONSTRAINT home_bearable_alarms_per_month_check CHECK (((bearable_alarms_per_month >= (0.01)::double precision) AND (bearable_alarms_per_month <= (100)::double precision))),
    CONSTRAINT home_building_check CHECK (((length(building) >= 1) AND (length(building) <= 100))),
    CONSTRAINT home_lat_check CHECK (((lat >= ('-90'::integer)::double precision) AND (lat <= (90)::double precision))),
    CONSTRAINT home_lon_check CHECK (((lon >= ('-180'::integer)::double precision) AND (lon <= (180)::double precision))),
    CONSTRAINT home_responder_sex_check CHECK ((responder_sex = ANY (ARRAY['female'::text, 'male'::text]))),
    CONSTRAINT home_silence_minutes_check CHECK (((silence_minutes >= 10) AND (silence_minutes <= 10080)))
);

CREATE TABLE public.offer (
    id bigint NOT NULL,
    alert_id bigint NOT NULL,
    person_id bigint NOT NULL,
    distance_m integer NOT NULL,
    state text DEFAULT 'offered'::text NOT NULL,
    offered_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    why jsonb DEFAULT '{}'::jsonb NOT NULL,
    reason text,
    answered_at timestamp with time zone,
    CONSTRAINT offer_check CHECK (((state = 'offered'::text) = (due_at IS NOT NULL))),
    CONSTRAINT offer_reason_check CHECK ((reason = ANY (ARRAY['busy'::text, 'too_far'::text, 'unwell'::text, 'other'::text]))),
    CONSTRAINT offer_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'accepted'::text, 'declined'::text, 'lapsed'::text, 'withdrawn'::text])))
);

CREATE TABLE public.person (
    id bigint NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    language text DEFAULT 'zh-CN'::text NOT NULL,
    phone text,
    sex text,
    birth_date date,
    canary boolean DEFAULT false NOT NULL,
    quiet_from time without time zone,
    quiet_to time without time zone,
    CONSTRAINT person_language_check CHECK ((language = ANY (ARRAY['zh-CN'::text, 'en'::text]))),
    CONSTRAINT person_quiet CHECK (((quiet_from IS NULL) = (quiet_to IS NULL))),
    CONSTRAINT person_sex_check CHECK ((sex = ANY (ARRAY['female'::text, 'male'::text])))
);

CREATE TABLE public.resident (
    home_id integer NOT NULL,
    person_id bigint NOT NULL,
    conditions text[] DEFAULT '{}'::text[] NOT NULL,
    medicines text[] DEFAULT '{}'::text[] NOT NULL,
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    hearing text,
    notes text
);

CREATE VIEW public.alert_view AS
 SELECT a.id,
    a.home_id,
    a.district_id,
    a.device_code,
    a.kind,
    a.severity,
    a.why,
    a.state,
    a.presses,
    a.seq,
    a.policy_id,
    a.step,
    a.handler_id,
    a.opened_at,
    a.accepted_at,
    a.on_the_way_at,
    a.there_at,
    a.resolved_at,
    a.outcome,
    a.due_at,
    a.canary,
    a.incident_id,
    a.told_with,
    a.recovered_at,
    a.inside_at,
    d.code AS district_code,
    d.name_zh AS district_zh,
    d.name_en AS district_en,
    h.code AS home_code,
    h.address,
    h.lat,
    h.lon,
    ( SELECT string_agg(p.name, ' · '::text ORDER BY p.id) AS string_agg
           FROM (public.resident s
             JOIN public.person p ON ((p.id = s.person_id)))
          WHERE (s.home_id = a.home_id)) AS elder,
    handler.name AS handler_name,
    ARRAY( SELECT c.person_id
           FROM public.contact c
          WHERE (c.home_id = a.home_id)) AS family,
    ARRAY( SELECT o.person_id
           FROM public.offer o
          WHERE ((o.alert_id = a.id) AND (o.state = ANY (ARRAY['offered'::text, 'accepted'::text, 'lapsed'::text])))) AS offered,
    ARRAY( SELECT r.person_id
           FROM public.response r
          WHERE ((r.alert_id = a.id) AND (r.ended IS NULL))) AS responding
   FROM (((public.alert a
     LEFT JOIN public.home h ON ((h.id = a.home_id)))
     LEFT JOIN public.district d ON ((d.id = a.district_id)))
     LEFT JOIN public.person handler ON ((handler.id = a.handler_id)));
CREATE TABLE public.alive (
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    dark_since timestamp with time zone
);

CREATE TABLE public.attempt (
    notification_id bigint NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    first_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    read_at timestamp with time zone,
    failed_at timestamp with time zone,
    error text,
    CONSTRAINT attempt_state_check CHECK ((state = ANY (ARRAY['sending'::text, 'sent'::text, 'delivered'::text, 'read'::text, 'failed'::text, 'skipped'::text])))
);

CREATE TABLE public.balance (
    account_id bigint NOT NULL,
    posted bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    lo bigint DEFAULT 0 NOT NULL,
    hi bigint,
    CONSTRAINT balance_held_check CHECK ((held >= 0)),
    CONSTRAINT cap_reached CHECK ((posted <= hi)),
    CONSTRAINT overdraft CHECK (((posted - held) >= lo))
)
WITH (fillfactor='50');
CREATE VIEW public.audit_balance_matches AS
 SELECT a.account_id,
    a.minutes,
    b.posted,
    b.held
   FROM (public.account_balance a
     LEFT JOIN public.balance b ON ((b.account_id = a.account_id)))
  WHERE (((a.kind = 'person'::text) <> (b.account_id IS NOT NULL)) OR (b.posted <> a.minutes) OR (b.held <> 0));
CREATE TABLE public.visit (
    id bigint NOT NULL,
    response_id bigint,
    home_id integer NOT NULL,
    person_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    verified_at timestamp with time zone,
    verified_by bigint,
    credit_due_at timestamp with time zone,
    canary boolean DEFAULT false NOT NULL,
    CONSTRAINT visit_check CHECK ((ended_at >= started_at)),
    CONSTRAINT visit_check1 CHECK (((verified_at IS NULL) = (verified_by IS NULL))),
    CONSTRAINT visit_check2 CHECK ((verified_by <> person_id)),
    CONSTRAINT visit_check3 CHECK (((credit_due_at IS NULL) OR (verified_at IS NOT NULL)))
);

CREATE VIEW public.audit_one_credit_per_visit AS
 SELECT t.seq,
    t.visit_id,
    'not of a verified visit of this person'::text AS what
   FROM ((public.transfer t
     JOIN public.account a ON ((a.id = t.credit_id)))
     LEFT JOIN public.visit v ON ((v.id = t.visit_id)))
  WHERE ((t.kind = ANY (ARRAY['credit'::text, 'honour'::text, 'overflow'::text])) AND ((v.verified_at IS NULL) OR ((a.kind = 'person'::text) AND (a.person_id <> v.person_id))))
UNION ALL
 SELECT max(t.seq) AS seq,
    t.visit_id,
    'credited more than once'::text AS what
   FROM public.transfer t
  WHERE (t.visit_id IS NOT NULL)
  GROUP BY t.visit_id, t.kind
 HAVING (count(*) > 1);
CREATE VIEW public.audit_sum_zero AS
 SELECT unit,
    sum(minutes) AS minutes
   FROM public.account_balance
  GROUP BY unit
 HAVING (sum(minutes) <> (0)::numeric);
CREATE VIEW public.audit_timeline AS
 SELECT alert_id,
    n,
    id
   FROM ( SELECT e.id,
            e.alert_id,
            e.at,
            e.kind,
            e.actor_id,
            e.params,
            e.n,
            e.hash,
            e.canary,
            lag(e.hash) OVER w AS previous,
            row_number() OVER w AS place
           FROM public.alert_event e
          WINDOW w AS (PARTITION BY e.alert_id ORDER BY e.n, e.id)) l
  WHERE ((n IS DISTINCT FROM place) OR (hash IS DISTINCT FROM public.alert_event_hash(previous, alert_id, n, at, kind, actor_id, params)));
CREATE TABLE public.binding (
    id bigint NOT NULL,
    device_id integer NOT NULL,
    home_id integer NOT NULL,
    bound_at timestamp with time zone,
    bound_by bigint,
    unbound_at timestamp with time zone,
    unbound_by bigint
);

ALTER TABLE public.binding ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.binding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.channel_state (
    name text NOT NULL,
    tokens double precision DEFAULT 0 NOT NULL,
    filled_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failed_people bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    open_until timestamp with time zone,
    opened integer DEFAULT 0 NOT NULL,
    probing boolean DEFAULT false NOT NULL
);

CREATE TABLE public.chat_message (
    alert_id bigint NOT NULL,
    person_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    ref text NOT NULL,
    shown_hash text NOT NULL,
    sent_at timestamp with time zone NOT NULL
);

CREATE TABLE public.command (
    id bigint NOT NULL,
    device_code text NOT NULL,
    answer text,
    seq bigint,
    due_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    done_at timestamp with time zone,
    error text,
    created_by bigint,
    alert_id bigint,
    CONSTRAINT command_answer_check CHECK ((answer = ANY (ARRAY['received'::text, 'help_is_coming'::text, 'on_the_way'::text, 'resolved'::text]))),
    CONSTRAINT command_check CHECK (((kind = 'answer'::text) = (answer IS NOT NULL))),
    CONSTRAINT command_check1 CHECK (((due_at IS NOT NULL) OR (state <> ALL (ARRAY['queued'::text, 'delivered'::text])))),
    CONSTRAINT command_check2 CHECK (((due_at IS NULL) OR (state = ANY (ARRAY['queued'::text, 'sent'::text, 'delivered'::text])))),
    CONSTRAINT command_check3 CHECK (((state <> 'sent'::text) OR (sent_at IS NOT NULL))),
    CONSTRAINT command_check4 CHECK (((state <> 'delivered'::text) OR (delivered_at IS NOT NULL))),
    CONSTRAINT command_check5 CHECK (((state = ANY (ARRAY['expired'::text, 'done'::text, 'failed'::text])) = (done_at IS NOT NULL))),
    CONSTRAINT command_check6 CHECK (((state <> 'failed'::text) OR (error IS NOT NULL))),
    CONSTRAINT command_kind_check CHECK ((kind = ANY (ARRAY['answer'::text, 'siren'::text, 'light'::text, 'voice'::text, 'interval'::text, 'test'::text]))),
    CONSTRAINT command_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'delivered'::text, 'expired'::text, 'done'::text, 'failed'::text])))
);

ALTER TABLE public.command ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.command_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.coverage_count (
    kind text NOT NULL,
    problems integer NOT NULL,
    counted_at timestamp with time zone NOT NULL
);

CREATE TABLE public.credential (
    username text NOT NULL,
    kind text NOT NULL,
    hash text,
    bases text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    issued_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT credential_check CHECK (((kind = 'bridge'::text) = (bases <> '{}'::text[]))),
    CONSTRAINT credential_check1 CHECK (((hash IS NOT NULL) OR (revoked_at IS NOT NULL))),
    CONSTRAINT credential_hash_check CHECK ((hash ~ '^\$7\$[0-9]+\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$'::text)),
    CONSTRAINT credential_kind_check CHECK ((kind = ANY (ARRAY['device'::text, 'edge'::text, 'bridge'::text, 'service'::text]))),
    CONSTRAINT credential_username_check CHECK ((username ~ '^[A-Za-z0-9_.-]{1,64}$'::text))
);

CREATE TABLE public.device (
    id integer NOT NULL,
    code text NOT NULL,
    home_id integer,
    kind text NOT NULL,
    report_minutes integer DEFAULT 60 NOT NULL,
    watched_from timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    family text DEFAULT 'own'::text NOT NULL,
    vendor text,
    model text,
    name text,
    hub_id integer,
    edge text,
    address text,
    mains boolean,
    promise text DEFAULT 'regular'::text NOT NULL,
    first_seen_at timestamp with time zone,
    offline_since timestamp with time zone,
    silent_since timestamp with time zone,
    battery_empty_on date,
    report_from text DEFAULT 'nobody'::text NOT NULL,
    bound_at timestamp with time zone,
    battery_looked_on date,
    room text,
    person_id bigint,
    CONSTRAINT device_code_check CHECK ((code ~ '^[A-Za-z0-9_.-]{1,64}$'::text)),
    CONSTRAINT device_promise_check CHECK ((promise = ANY (ARRAY['regular'::text, 'events'::text]))),
    CONSTRAINT device_report_from_check CHECK ((report_from = ANY (ARRAY['nobody'::text, 'model'::text, 'said'::text]))),
    CONSTRAINT device_report_minutes_check CHECK (((report_minutes >= 1) AND (report_minutes <= 44640))),
    CONSTRAINT device_room_check CHECK ((room = ANY (ARRAY['living'::text, 'bedroom'::text, 'bathroom'::text, 'kitchen'::text, 'hall'::text, 'balcony'::text, 'other'::text])))
);

ALTER TABLE public.device ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.device_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.district ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.district_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.enrolment (
    hash bytea NOT NULL,
    username text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT enrolment_username_check CHECK ((username ~ '^[A-Za-z0-9_.-]{1,64}$'::text))
);

CREATE TABLE public.geofence (
    id bigint NOT NULL,
    home_id integer NOT NULL,
    person_id bigint,
    name text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    radius_m integer NOT NULL,
    starts time without time zone,
    ends time without time zone,
    set_by bigint,
    at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT geofence_check CHECK (((starts IS NULL) = (ends IS NULL))),
    CONSTRAINT geofence_lat_check CHECK (((lat >= ('-90'::integer)::double precision) AND (lat <= (90)::double precision))),
    CONSTRAINT geofence_lon_check CHECK (((lon >= ('-180'::integer)::double precision) AND (lon <= (180)::double precision))),
    CONSTRAINT geofence_name_check CHECK ((name <> ''::text)),
    CONSTRAINT geofence_radius_m_check CHECK (((radius_m >= 50) AND (radius_m <= 100000)))
);

ALTER TABLE public.geofence ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.geofence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.home ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.home_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.home_state (
    id bigint NOT NULL,
    home_id integer NOT NULL,
    state text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    set_by bigint NOT NULL,
    set_at timestamp with time zone NOT NULL,
    ended_by bigint,
    CONSTRAINT home_state_check CHECK ((ends_at >= starts_at)),
    CONSTRAINT home_state_check1 CHECK ((ends_at <= (starts_at +
CASE state
    WHEN 'asleep'::text THEN '14:00:00'::interval
    ELSE '30 days'::interval
END))),
    CONSTRAINT home_state_state_check CHECK ((state = ANY (ARRAY['away'::text, 'visitor'::text, 'hospital'::text, 'asleep'::text])))
);

ALTER TABLE public.home_state ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.home_state_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.incident (
    id bigint NOT NULL,
    home_id integer NOT NULL,
    opened_at timestamp with time zone NOT NULL
);

ALTER TABLE public.incident ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.incident_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.job (
    name text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    error text
);

CREATE TABLE public.key_holder (
    home_id integer NOT NULL,
    person_id bigint NOT NULL,
    note text
);

CREATE TABLE public.level (
    device_code text NOT NULL,
    kind text NOT NULL,
    active boolean NOT NULL,
    since timestamp with time zone NOT NULL
);

CREATE TABLE public.may_go (
    id integer NOT NULL,
    role text NOT NULL,
    severity text,
    kind text,
    allowed boolean DEFAULT true NOT NULL,
    skills text[] DEFAULT '{}'::text[] NOT NULL,
    trained boolean DEFAULT false NOT NULL,
    CONSTRAINT may_go_role_check CHECK ((role = ANY (ARRAY['caregiver'::text, 'volunteer'::text]))),
    CONSTRAINT may_go_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'high'::text, 'low'::text])))
);

ALTER TABLE public.may_go ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.may_go_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.migration (
    name text NOT NULL,
    checksum text NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.neighbour (
    district_id smallint NOT NULL,
    neighbour_id smallint NOT NULL,
    CONSTRAINT neighbour_check CHECK ((district_id <> neighbour_id))
);

CREATE TABLE public.notification (
    id bigint NOT NULL,
    alert_id bigint,
    person_id bigint NOT NULL,
    channel text NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    round integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    sent_at timestamp with time zone,
    error text,
    by text[],
    priority smallint DEFAULT 2 NOT NULL,
    delivered_at timestamp with time zone,
    read_at timestamp with time zone,
    unread_at timestamp with time zone,
    CONSTRAINT notification_of_an_alert CHECK (((alert_id IS NOT NULL) OR (message = ANY (ARRAY['reach_test'::text, 'trial'::text])))),
    CONSTRAINT notification_priority_check CHECK (((priority >= 0) AND (priority <= 2))),
    CONSTRAINT notification_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);

ALTER TABLE public.notification ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.offer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.offer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.outage (
    id bigint NOT NULL,
    district_id smallint,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    building_district_id smallint,
    building text,
    CONSTRAINT outage_check CHECK (((ended_at IS NULL) = (due_at IS NOT NULL))),
    CONSTRAINT outage_check1 CHECK ((num_nonnulls(district_id, building_district_id) = 1)),
    CONSTRAINT outage_check2 CHECK (((building IS NULL) = (building_district_id IS NULL)))
);

ALTER TABLE public.outage ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.override (
    id integer NOT NULL,
    instead_of bigint NOT NULL,
    person_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    created_by bigint,
    CONSTRAINT override_check CHECK ((ends_at > starts_at)),
    CONSTRAINT override_check1 CHECK ((instead_of <> person_id))
);

ALTER TABLE public.override ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.override_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.person ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.person_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.policy (
    id integer NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    district_id smallint,
    severity text NOT NULL,
    plan jsonb NOT NULL,
    active boolean DEFAULT true NOT NULL,
    kind text,
    created_at timestamp with time zone,
    created_by bigint,
    CONSTRAINT policy_kind_check CHECK ((kind <> ''::text)),
    CONSTRAINT policy_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'high'::text, 'low'::text]))),
    CONSTRAINT policy_version_check CHECK ((version > 0))
);

ALTER TABLE public.policy ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.policy_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.quarantine (
    id bigint NOT NULL,
    topic text NOT NULL,
    device_code text,
    reason text NOT NULL,
    detail text NOT NULL,
    size integer NOT NULL,
    sample bytea NOT NULL,
    digest bytea NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    cleared_at timestamp with time zone,
    CONSTRAINT quarantine_sample_check CHECK ((length(sample) <= 4096))
);

ALTER TABLE public.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.quiet_window (
    id bigint NOT NULL,
    scope text NOT NULL,
    district_id smallint,
    building text,
    home_id integer,
    device_code text,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    weekdays smallint[],
    from_time time without time zone,
    to_time time without time zone,
    timezone text NOT NULL,
    reason text NOT NULL,
    made_by bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    cancelled_at timestamp with time zone,
    cancelled_by bigint,
    CONSTRAINT quiet_window_check CHECK ((ends_at > starts_at)),
    CONSTRAINT quiet_window_check1 CHECK ((num_nulls(weekdays, from_time, to_time) = ANY (ARRAY[0, 3]))),
    CONSTRAINT quiet_window_check2 CHECK (((ends_at - starts_at) <=
CASE
    WHEN (weekdays IS NULL) THEN '30 days'::interval
    ELSE '367 days'::interval
END)),
    CONSTRAINT quiet_window_check3 CHECK (((scope = 'city'::text) = (district_id IS NULL))),
    CONSTRAINT quiet_window_check4 CHECK (((scope = 'building'::text) = (building IS NOT NULL))),
    CONSTRAINT quiet_window_check5 CHECK (((scope = 'home'::text) = (home_id IS NOT NULL))),
    CONSTRAINT quiet_window_check6 CHECK (((scope = 'device'::text) = (device_code IS NOT NULL))),
    CONSTRAINT quiet_window_check7 CHECK (((cancelled_at IS NULL) = (cancelled_by IS NULL))),
    CONSTRAINT quiet_window_never_life_safety CHECK ((NOT (kinds && '{sos,fall,smoke,gas,co,heart_rate_urgent,respiration_urgent,spo2_urgent,blood_pressure_urgent,body_temperature_urgent,glucose_urgent}'::text[]))),
    CONSTRAINT quiet_window_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT quiet_window_scope_check CHECK ((scope = ANY (ARRAY['city'::text, 'district'::text, 'building'::text, 'home'::text, 'device'::text]))),
    CONSTRAINT quiet_window_weekdays_check CHECK (((weekdays IS NULL) OR (((cardinality(weekdays) >= 1) AND (cardinality(weekdays) <= 7)) AND (weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]))))
);

ALTER TABLE public.quiet_window ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quiet_window_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.quieted (
    id bigint NOT NULL,
    cause text NOT NULL,
    window_id bigint,
    outage_id bigint,
    home_id integer,
    district_id smallint,
    device_code text,
    kind text NOT NULL,
    severity text NOT NULL,
    why jsonb NOT NULL,
    seq bigint,
    times integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    ended text,
    ended_at timestamp with time zone,
    alert_id bigint,
    CONSTRAINT quieted_cause_check CHECK ((cause = ANY (ARRAY['window'::text, 'dark'::text, 'flap'::text]))),
    CONSTRAINT quieted_check CHECK (((due_at IS NULL) = (ended IS NOT NULL))),
    CONSTRAINT quieted_check1 CHECK (((ended IS NULL) = (ended_at IS NULL))),
    CONSTRAINT quieted_check2 CHECK (((cause = 'window'::text) = (window_id IS NOT NULL))),
    CONSTRAINT quieted_check3 CHECK (((cause = 'dark'::text) = (outage_id IS NOT NULL))),
    CONSTRAINT quieted_ended_check CHECK ((ended = ANY (ARRAY['raised'::text, 'over'::text]))),
    CONSTRAINT quieted_never_life_safety CHECK ((severity <> 'critical'::text))
);

ALTER TABLE public.quieted ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quieted_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reach (
    person_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    dead_at timestamp with time zone,
    rank smallint DEFAULT 1 NOT NULL,
    free_at timestamp with time zone,
    heard_at timestamp with time zone,
    CONSTRAINT reach_rank_check CHECK (((rank >= 1) AND (rank <= 20)))
);

CREATE TABLE public.reach_test (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    channel text NOT NULL,
    week date,
    asked_at timestamp with time zone,
    answered_at timestamp with time zone,
    due_at timestamp with time zone,
    result text,
    CONSTRAINT reach_test_check CHECK (((result IS NULL) = (due_at IS NOT NULL))),
    CONSTRAINT reach_test_check1 CHECK (((result IS NULL) OR ((result = ANY (ARRAY['answered'::text, 'heard'::text])) = (answered_at IS NOT NULL)))),
    CONSTRAINT reach_test_result_check CHECK ((result = ANY (ARRAY['answered'::text, 'heard'::text, 'missed'::text, 'dropped'::text])))
);

ALTER TABLE public.reach_test ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reach_test_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reading (
    "time" timestamp with time zone NOT NULL,
    device_id integer NOT NULL,
    quantity smallint NOT NULL,
    value double precision NOT NULL
)
PARTITION BY RANGE ("time");
CREATE VIEW public.reading_hourly AS
 SELECT date_trunc('hour'::text, "time", 'UTC'::text) AS hour,
    device_id,
    quantity,
    count(*) AS readings,
    avg(value) AS mean,
    min(value) AS lowest,
    max(value) AS highest
   FROM public.reading
  GROUP BY (date_trunc('hour'::text, "time", 'UTC'::text)), device_id, quantity;
CREATE TABLE public.responder (
    person_id bigint NOT NULL,
    lat double precision,
    lon double precision,
    reach_m integer DEFAULT 5000 NOT NULL,
    skills text[] DEFAULT '{}'::text[] NOT NULL,
    on_duty boolean DEFAULT true NOT NULL,
    station_id smallint,
    mode text DEFAULT 'ebike'::text NOT NULL,
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    trained boolean DEFAULT true NOT NULL,
    seen_lat double precision,
    seen_lon double precision,
    seen_at timestamp with time zone,
    CONSTRAINT responder_check CHECK ((((lat IS NOT NULL) AND (lon IS NOT NULL)) OR (station_id IS NOT NULL))),
    CONSTRAINT responder_check1 CHECK ((num_nulls(seen_lat, seen_lon, seen_at) = ANY (ARRAY[0, 3]))),
    CONSTRAINT responder_lat_check CHECK (((lat >= ('-90'::integer)::double precision) AND (lat <= (90)::double precision))),
    CONSTRAINT responder_lon_check CHECK (((lon >= ('-180'::integer)::double precision) AND (lon <= (180)::double precision))),
    CONSTRAINT responder_mode_check CHECK ((mode = ANY (ARRAY['walk'::text, 'bicycle'::text, 'ebike'::text, 'car'::text]))),
    CONSTRAINT responder_reach_m_check CHECK (((reach_m >= 100) AND (reach_m <= 100000))),
    CONSTRAINT responder_seen_lat_check CHECK (((seen_lat >= ('-90'::integer)::double precision) AND (seen_lat <= (90)::double precision))),
    CONSTRAINT responder_seen_lon_check CHECK (((seen_lon >= ('-180'::integer)::double precision) AND (seen_lon <= (180)::double precision)))
);

ALTER TABLE public.response ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.response_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.role (
    person_id bigint NOT NULL,
    role text NOT NULL,
    district_id smallint,
    CONSTRAINT role_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'supervisor'::text, 'caregiver'::text, 'volunteer'::text, 'family'::text])))
);

CREATE TABLE public.rotation (
    id integer NOT NULL,
    name text NOT NULL,
    district_id smallint,
    role text NOT NULL,
    timezone text NOT NULL,
    starts_on date NOT NULL,
    handover_days integer NOT NULL,
    shifts jsonb NOT NULL,
    holidays text,
    on_holidays jsonb,
    ended_at timestamp with time zone,
    CONSTRAINT rotation_handover_days_check CHECK (((handover_days >= 1) AND (handover_days <= 366))),
    CONSTRAINT rotation_name_check CHECK ((name <> ''::text)),
    CONSTRAINT rotation_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'supervisor'::text, 'caregiver'::text, 'volunteer'::text])))
);

ALTER TABLE public.rotation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rotation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rotation_person (
    rotation_id integer NOT NULL,
    place smallint NOT NULL,
    person_id bigint NOT NULL
);

CREATE TABLE public.routine (
    home_id integer NOT NULL,
    model jsonb NOT NULL,
    learned_until timestamp with time zone NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    CONSTRAINT routine_state_check CHECK ((state = ANY (ARRAY['home'::text, 'away'::text, 'asleep'::text])))
);

CREATE TABLE public.session (
    hash bytea NOT NULL,
    person_id bigint NOT NULL,
    csrf text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.shift (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    role text NOT NULL,
    district_id smallint,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    rotation_id integer,
    CONSTRAINT shift_check CHECK ((ends_at > starts_at)),
    CONSTRAINT shift_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'supervisor'::text, 'caregiver'::text, 'volunteer'::text])))
);

ALTER TABLE public.shift ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.shift_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.signal (
    id bigint NOT NULL,
    device_code text NOT NULL,
    device_id integer,
    home_id integer,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    seq bigint,
    once text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    due_at timestamp with time zone,
    tries smallint DEFAULT 0 NOT NULL,
    district_id smallint,
    held boolean DEFAULT false NOT NULL
);

ALTER TABLE public.signal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.signal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.station (
    id smallint NOT NULL,
    district_id smallint NOT NULL,
    code text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    CONSTRAINT station_lat_check CHECK (((lat >= ('-90'::integer)::double precision) AND (lat <= (90)::double precision))),
    CONSTRAINT station_lon_check CHECK (((lon >= ('-180'::integer)::double precision) AND (lon <= (180)::double precision)))
);

ALTER TABLE public.station ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.station_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.tellable AS
 SELECT c.person_id,
    h.district_id,
    'family'::text AS part
   FROM ((public.contact c
     JOIN public.home h ON (((h.id = c.home_id) AND (NOT h.canary))))
     JOIN public.person p ON (((p.id = c.person_id) AND (NOT p.canary))))
UNION
 SELECT r.person_id,
    r.district_id,
    r.role AS part
   FROM (public.role r
     JOIN public.person p ON (((p.id = r.person_id) AND (NOT p.canary))))
  WHERE ((r.role = ANY (ARRAY['operator'::text, 'supervisor'::text])) OR ((r.role = ANY (ARRAY['caregiver'::text, 'volunteer'::text])) AND (EXISTS ( SELECT
           FROM public.responder v
          WHERE (v.person_id = r.person_id)))));
CREATE TABLE public.ticket (
    hash bytea NOT NULL,
    person_id bigint NOT NULL,
    purpose text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT ticket_purpose_check CHECK ((purpose = ANY (ARRAY['sign_in'::text, 'chat'::text])))
);

CREATE TABLE public.timeline_seal (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    after_id bigint NOT NULL,
    upto_id bigint NOT NULL,
    events integer NOT NULL,
    alerts integer NOT NULL,
    digest bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT timeline_seal_check CHECK ((upto_id > after_id))
);

CREATE TABLE public.transfer_rule (
    kind text NOT NULL,
    from_kind text NOT NULL,
    to_kind text NOT NULL,
    unit smallint NOT NULL,
    CONSTRAINT transfer_rule_unit_check CHECK ((unit = ANY (ARRAY[1, 2])))
);

ALTER TABLE public.transfer ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.transfer_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.unreached AS
 SELECT t.person_id,
    t.channel,
    count(*) AS times,
    min(t.asked_at) AS since
   FROM (public.reach_test t
     LEFT JOIN public.reach x ON (((x.person_id = t.person_id) AND (x.channel = t.channel))))
  WHERE ((t.result = 'missed'::text) AND COALESCE((x.heard_at < t.asked_at), true) AND (NOT (EXISTS ( SELECT
           FROM public.reach_test a
          WHERE ((a.person_id = t.person_id) AND (a.channel = t.channel) AND (a.answered_at >= t.asked_at))))))
  GROUP BY t.person_id, t.channel;
ALTER TABLE public.visit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.visit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.vital_limit (
    id bigint NOT NULL,
    home_id integer NOT NULL,
    person_id bigint,
    quantity smallint NOT NULL,
    low double precision,
    high double precision,
    urgent_low double precision,
    urgent_high double precision,
    scale smallint DEFAULT 1 NOT NULL,
    set_by bigint,
    at timestamp with time zone NOT NULL,
    CONSTRAINT vital_limit_check CHECK ((low < high)),
    CONSTRAINT vital_limit_check1 CHECK ((urgent_low <= low)),
    CONSTRAINT vital_limit_check2 CHECK ((urgent_high >= high)),
    CONSTRAINT vital_limit_scale_check CHECK ((scale = ANY (ARRAY[1, 2])))
);

ALTER TABLE public.vital_limit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.vital_limit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.watch_rule (
    home_id integer NOT NULL,
    kind text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    watched_from timestamp with time zone NOT NULL,
    episode timestamp with time zone,
    due_at timestamp with time zone,
    set_by bigint,
    set_at timestamp with time zone
);

CREATE TABLE public.watchdog (
    process text NOT NULL,
    at timestamp with time zone NOT NULL,
    ill text[] NOT NULL
);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_id_unit_key UNIQUE (id, unit);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_kind_unit_person_id_district_id_key UNIQUE NULLS NOT DISTINCT (kind, unit, person_id, district_id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_event
    ADD CONSTRAINT alert_event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_guest
    ADD CONSTRAINT alert_guest_pkey PRIMARY KEY (alert_id, person_id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alive
    ADD CONSTRAINT alive_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (notification_id, channel);
ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (account_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channel_state
    ADD CONSTRAINT channel_state_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.chat_message
    ADD CONSTRAINT chat_message_pkey PRIMARY KEY (alert_id, person_id);
ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_home_id_rank_key UNIQUE (home_id, rank);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (home_id, person_id);
ALTER TABLE ONLY public.coverage_count
    ADD CONSTRAINT coverage_count_pkey PRIMARY KEY (kind);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (username);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_code_key UNIQUE (code);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.district
    ADD CONSTRAINT district_code_key UNIQUE (code);
ALTER TABLE ONLY public.district
    ADD CONSTRAINT district_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.enrolment
    ADD CONSTRAINT enrolment_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.geofence
    ADD CONSTRAINT geofence_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.home
    ADD CONSTRAINT home_code_key UNIQUE (code);
ALTER TABLE ONLY public.home
    ADD CONSTRAINT home_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.home_state
    ADD CONSTRAINT home_state_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.incident
    ADD CONSTRAINT incident_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.key_holder
    ADD CONSTRAINT key_holder_pkey PRIMARY KEY (home_id, person_id);
ALTER TABLE ONLY public.level
    ADD CONSTRAINT level_pkey PRIMARY KEY (device_code, kind);
ALTER TABLE ONLY public.may_go
    ADD CONSTRAINT may_go_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.may_go
    ADD CONSTRAINT may_go_role_severity_kind_key UNIQUE NULLS NOT DISTINCT (role, severity, kind);
ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.neighbour
    ADD CONSTRAINT neighbour_pkey PRIMARY KEY (district_id, neighbour_id);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_alert_id_person_id_message_round_key UNIQUE (alert_id, person_id, message, round);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.offer
    ADD CONSTRAINT offer_alert_id_person_id_key UNIQUE (alert_id, person_id);
ALTER TABLE ONLY public.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outage
    ADD CONSTRAINT outage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.override
    ADD CONSTRAINT override_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_code_key UNIQUE (code);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_code_version_key UNIQUE (code, version);
ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_digest_reason_key UNIQUE (digest, reason);
ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quiet_window
    ADD CONSTRAINT quiet_window_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.reach
    ADD CONSTRAINT reach_channel_address_key UNIQUE (channel, address);
ALTER TABLE ONLY public.reach
    ADD CONSTRAINT reach_pkey PRIMARY KEY (person_id, channel);
ALTER TABLE ONLY public.reach_test
    ADD CONSTRAINT reach_test_person_id_channel_week_key UNIQUE (person_id, channel, week);
ALTER TABLE ONLY public.reach_test
    ADD CONSTRAINT reach_test_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.reading
    ADD CONSTRAINT reading_device_id_quantity_time_key UNIQUE (device_id, quantity, "time");
ALTER TABLE ONLY public.resident
    ADD CONSTRAINT resident_pkey PRIMARY KEY (home_id, person_id);
ALTER TABLE ONLY public.responder
    ADD CONSTRAINT responder_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY public.response
    ADD CONSTRAINT response_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_person_id_role_district_id_key UNIQUE NULLS NOT DISTINCT (person_id, role, district_id);
ALTER TABLE ONLY public.rotation_person
    ADD CONSTRAINT rotation_person_pkey PRIMARY KEY (rotation_id, place);
ALTER TABLE ONLY public.rotation
    ADD CONSTRAINT rotation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.routine
    ADD CONSTRAINT routine_pkey PRIMARY KEY (home_id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.shift
    ADD CONSTRAINT shift_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_device_code_kind_once_key UNIQUE (device_code, kind, once);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.station
    ADD CONSTRAINT station_code_key UNIQUE (code);
ALTER TABLE ONLY public.station
    ADD CONSTRAINT station_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.timeline_seal
    ADD CONSTRAINT timeline_seal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.transfer_rule
    ADD CONSTRAINT transfer_rule_pkey PRIMARY KEY (kind, from_kind, to_kind, unit);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_seq_key UNIQUE (seq);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_response_id_key UNIQUE (response_id);
ALTER TABLE ONLY public.vital_limit
    ADD CONSTRAINT vital_limit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.watch_rule
    ADD CONSTRAINT watch_rule_pkey PRIMARY KEY (home_id, kind);
ALTER TABLE ONLY public.watchdog
    ADD CONSTRAINT watchdog_pkey PRIMARY KEY (process);
CREATE INDEX account_person ON public.account USING btree (person_id) WHERE (person_id IS NOT NULL);
CREATE INDEX alert_canary ON public.alert USING btree (resolved_at) WHERE canary;
CREATE INDEX alert_due ON public.alert USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX alert_event_alert ON public.alert_event USING btree (alert_id, id);
CREATE UNIQUE INDEX alert_event_place ON public.alert_event USING btree (alert_id, n);
CREATE INDEX alert_home ON public.alert USING btree (home_id);
CREATE INDEX alert_incident ON public.alert USING btree (incident_id) WHERE (incident_id IS NOT NULL);
CREATE UNIQUE INDEX alert_one_live ON public.alert USING btree (COALESCE(('home '::text || home_id), ('device '::text || device_code)), kind) WHERE (state <> 'resolved'::text);
CREATE INDEX alert_opened ON public.alert USING btree (opened_at);
CREATE INDEX alert_recovered ON public.alert USING btree (recovered_at) WHERE ((state = 'open'::text) AND (recovered_at IS NOT NULL));
CREATE INDEX alert_resolved ON public.alert USING btree (resolved_at DESC) WHERE (state = 'resolved'::text);
CREATE INDEX alert_told_with ON public.alert USING btree (told_with) WHERE (told_with IS NOT NULL);
CREATE INDEX alive_due ON public.alive USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX binding_home ON public.binding USING btree (home_id);
CREATE UNIQUE INDEX binding_one_live ON public.binding USING btree (device_id) WHERE (unbound_at IS NULL);
CREATE INDEX command_alert ON public.command USING btree (alert_id) WHERE (alert_id IS NOT NULL);
CREATE INDEX command_device ON public.command USING btree (device_code, id);
CREATE INDEX command_due ON public.command USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX contact_person ON public.contact USING btree (person_id);
CREATE INDEX device_due ON public.device USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX device_edge ON public.device USING btree (edge) WHERE (edge IS NOT NULL);
CREATE INDEX device_home ON public.device USING btree (home_id);
CREATE INDEX device_hub ON public.device USING btree (hub_id) WHERE (hub_id IS NOT NULL);
CREATE INDEX device_silent ON public.device USING btree (silent_since) WHERE (silent_since IS NOT NULL);
CREATE INDEX device_unbound ON public.device USING btree (first_seen_at) WHERE (home_id IS NULL);
CREATE UNIQUE INDEX enrolment_open ON public.enrolment USING btree (username) WHERE (used_at IS NULL);
CREATE INDEX geofence_changed ON public.geofence USING btree (changed_at);
CREATE INDEX geofence_home ON public.geofence USING btree (home_id) WHERE (ended_at IS NULL);
CREATE INDEX home_building ON public.home USING btree (district_id, building) WHERE (building IS NOT NULL);
CREATE INDEX home_due ON public.home USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX home_state_home ON public.home_state USING btree (home_id, ends_at);
CREATE INDEX job_due ON public.job USING btree (due_at);
CREATE INDEX key_holder_person ON public.key_holder USING btree (person_id);
CREATE INDEX level_active ON public.level USING btree (device_code, kind) WHERE active;
CREATE INDEX notification_due ON public.notification USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX notification_person ON public.notification USING btree (person_id, channel, id);
CREATE INDEX notification_queue ON public.notification USING btree (channel, priority, due_at, id) WHERE (due_at IS NOT NULL);
CREATE INDEX notification_reach_test ON public.notification USING btree (due_at) WHERE ((message = 'reach_test'::text) AND (due_at IS NOT NULL));
CREATE INDEX notification_unread ON public.notification USING btree (unread_at) WHERE (unread_at IS NOT NULL);
CREATE INDEX offer_due ON public.offer USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX offer_person ON public.offer USING btree (person_id);
CREATE INDEX outage_due ON public.outage USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE UNIQUE INDEX outage_one_live ON public.outage USING btree (district_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX outage_one_live_building ON public.outage USING btree (building_district_id, building) WHERE (ended_at IS NULL);
CREATE INDEX override_time ON public.override USING btree (instead_of, ends_at);
CREATE INDEX quarantine_open ON public.quarantine USING btree (last_at) WHERE (cleared_at IS NULL);
CREATE INDEX quiet_window_time ON public.quiet_window USING btree (ends_at, starts_at) WHERE (cancelled_at IS NULL);
CREATE INDEX quieted_due ON public.quieted USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX quieted_home ON public.quieted USING btree (home_id, first_at);
CREATE UNIQUE INDEX quieted_one_live ON public.quieted USING btree (kind, COALESCE(('home '::text || home_id), ''::text), COALESCE(device_code, ''::text)) WHERE (ended IS NULL);
CREATE INDEX quieted_window ON public.quieted USING btree (window_id) WHERE (window_id IS NOT NULL);
CREATE INDEX reach_test_due ON public.reach_test USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX reach_test_missed ON public.reach_test USING btree (person_id, channel) WHERE (result = 'missed'::text);
CREATE INDEX response_accepted ON public.response USING btree (accepted_at);
CREATE INDEX response_alert ON public.response USING btree (alert_id);
CREATE INDEX response_checkin ON public.response USING btree (checkin_at) WHERE ((checkin_at IS NOT NULL) AND (ended IS NULL));
CREATE INDEX response_due ON public.response USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE UNIQUE INDEX response_one_live ON public.response USING btree (alert_id) WHERE (ended IS NULL);
CREATE INDEX response_person ON public.response USING btree (person_id);
CREATE UNIQUE INDEX rotation_name ON public.rotation USING btree (COALESCE((district_id)::integer, 0), role, name) WHERE (ended_at IS NULL);
CREATE INDEX shift_person ON public.shift USING btree (person_id, ends_at);
CREATE INDEX shift_rotation ON public.shift USING btree (rotation_id, ends_at) WHERE (rotation_id IS NOT NULL);
CREATE INDEX shift_time ON public.shift USING btree (role, district_id, ends_at, starts_at);
CREATE INDEX signal_device_time ON public.signal USING btree (device_code, received_at);
CREATE INDEX signal_due ON public.signal USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX signal_held ON public.signal USING btree (home_id, received_at) WHERE held;
CREATE INDEX transfer_credit ON public.transfer USING btree (credit_id, seq);
CREATE INDEX transfer_debit ON public.transfer USING btree (debit_id, seq);
CREATE INDEX visit_credit_due ON public.visit USING btree (credit_due_at) WHERE (credit_due_at IS NOT NULL);
CREATE UNIQUE INDEX visit_credited ON public.transfer USING btree (visit_id, kind) WHERE (visit_id IS NOT NULL);
CREATE INDEX visit_person ON public.visit USING btree (person_id);
CREATE INDEX visit_unverified ON public.visit USING btree (ended_at) WHERE (verified_at IS NULL);
CREATE INDEX vital_limit_at ON public.vital_limit USING btree (at);
CREATE INDEX vital_limit_home ON public.vital_limit USING btree (home_id, id);
CREATE INDEX watch_rule_due ON public.watch_rule USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE TRIGGER account_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.account FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.account ENABLE ALWAYS TRIGGER account_append_only;
CREATE TRIGGER alert_event_append_only BEFORE UPDATE OR TRUNCATE ON public.alert_event FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.alert_event ENABLE ALWAYS TRIGGER alert_event_append_only;
CREATE TRIGGER alert_event_chain BEFORE INSERT ON public.alert_event FOR EACH ROW EXECUTE FUNCTION public.alert_event_chain();
CREATE TRIGGER alert_event_in_order BEFORE INSERT ON public.alert_event FOR EACH STATEMENT EXECUTE FUNCTION public.alert_event_in_order();
CREATE TRIGGER alert_event_kept BEFORE DELETE ON public.alert_event FOR EACH ROW WHEN ((NOT old.canary)) EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.alert_event ENABLE ALWAYS TRIGGER alert_event_kept;
CREATE TRIGGER alert_event_tell AFTER INSERT ON public.alert_event FOR EACH STATEMENT EXECUTE FUNCTION public.alert_event_tell();
CREATE TRIGGER alert_redraw AFTER UPDATE OF state, handler_id ON public.alert FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.handler_id IS DISTINCT FROM new.handler_id))) EXECUTE FUNCTION public.alert_redraw();
CREATE TRIGGER command_forward BEFORE UPDATE OF state ON public.command FOR EACH ROW WHEN (((old.state <> new.state) AND (public.command_step(new.state) <= public.command_step(old.state)))) EXECUTE FUNCTION public.command_refuse_backward();
CREATE TRIGGER device_born AFTER INSERT ON public.device FOR EACH ROW WHEN ((new.home_id IS NOT NULL)) EXECUTE FUNCTION public.device_binding();
CREATE TRIGGER device_bound BEFORE INSERT OR UPDATE OF home_id ON public.device FOR EACH ROW WHEN ((new.home_id IS NOT NULL)) EXECUTE FUNCTION public.device_bound();
CREATE TRIGGER device_moved AFTER UPDATE OF home_id ON public.device FOR EACH ROW WHEN ((old.home_id IS DISTINCT FROM new.home_id)) EXECUTE FUNCTION public.device_binding();
CREATE TRIGGER notification_tell AFTER INSERT ON public.notification FOR EACH STATEMENT EXECUTE FUNCTION public.notification_tell();
CREATE TRIGGER timeline_seal_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.timeline_seal FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.timeline_seal ENABLE ALWAYS TRIGGER timeline_seal_append_only;
CREATE TRIGGER transfer_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfer FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.transfer ENABLE ALWAYS TRIGGER transfer_append_only;
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.alert_event
    ADD CONSTRAINT alert_event_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.alert_event
    ADD CONSTRAINT alert_event_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert_guest
    ADD CONSTRAINT alert_guest_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert_guest
    ADD CONSTRAINT alert_guest_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_handler_id_fkey FOREIGN KEY (handler_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES public.incident(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES public.policy(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_told_with_fkey FOREIGN KEY (told_with) REFERENCES public.alert(id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES public.notification(id);
ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_bound_by_fkey FOREIGN KEY (bound_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_unbound_by_fkey FOREIGN KEY (unbound_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.chat_message
    ADD CONSTRAINT chat_message_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.chat_message
    ADD CONSTRAINT chat_message_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.geofence
    ADD CONSTRAINT geofence_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.geofence
    ADD CONSTRAINT geofence_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.geofence
    ADD CONSTRAINT geofence_set_by_fkey FOREIGN KEY (set_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.home
    ADD CONSTRAINT home_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.home_state
    ADD CONSTRAINT home_state_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.home_state
    ADD CONSTRAINT home_state_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.home_state
    ADD CONSTRAINT home_state_set_by_fkey FOREIGN KEY (set_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.home
    ADD CONSTRAINT home_station_id_fkey FOREIGN KEY (station_id) REFERENCES public.station(id);
ALTER TABLE ONLY public.incident
    ADD CONSTRAINT incident_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.key_holder
    ADD CONSTRAINT key_holder_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.key_holder
    ADD CONSTRAINT key_holder_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.neighbour
    ADD CONSTRAINT neighbour_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.neighbour
    ADD CONSTRAINT neighbour_neighbour_id_fkey FOREIGN KEY (neighbour_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.offer
    ADD CONSTRAINT offer_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.offer
    ADD CONSTRAINT offer_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.outage
    ADD CONSTRAINT outage_building_district_id_fkey FOREIGN KEY (building_district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.outage
    ADD CONSTRAINT outage_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.override
    ADD CONSTRAINT override_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.override
    ADD CONSTRAINT override_instead_of_fkey FOREIGN KEY (instead_of) REFERENCES public.person(id);
ALTER TABLE ONLY public.override
    ADD CONSTRAINT override_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.quiet_window
    ADD CONSTRAINT quiet_window_cancelled_by_fkey FOREIGN KEY (cancelled_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.quiet_window
    ADD CONSTRAINT quiet_window_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.quiet_window
    ADD CONSTRAINT quiet_window_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.quiet_window
    ADD CONSTRAINT quiet_window_made_by_fkey FOREIGN KEY (made_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_outage_id_fkey FOREIGN KEY (outage_id) REFERENCES public.outage(id);
ALTER TABLE ONLY public.quieted
    ADD CONSTRAINT quieted_window_id_fkey FOREIGN KEY (window_id) REFERENCES public.quiet_window(id);
ALTER TABLE ONLY public.reach
    ADD CONSTRAINT reach_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.reach_test
    ADD CONSTRAINT reach_test_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.resident
    ADD CONSTRAINT resident_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.resident
    ADD CONSTRAINT resident_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.responder
    ADD CONSTRAINT responder_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.responder
    ADD CONSTRAINT responder_station_id_fkey FOREIGN KEY (station_id) REFERENCES public.station(id);
ALTER TABLE ONLY public.response
    ADD CONSTRAINT response_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id);
ALTER TABLE ONLY public.response
    ADD CONSTRAINT response_closed_by_fkey FOREIGN KEY (closed_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.response
    ADD CONSTRAINT response_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.rotation
    ADD CONSTRAINT rotation_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.rotation_person
    ADD CONSTRAINT rotation_person_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.rotation_person
    ADD CONSTRAINT rotation_person_rotation_id_fkey FOREIGN KEY (rotation_id) REFERENCES public.rotation(id);
ALTER TABLE ONLY public.routine
    ADD CONSTRAINT routine_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.shift
    ADD CONSTRAINT shift_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.shift
    ADD CONSTRAINT shift_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.shift
    ADD CONSTRAINT shift_rotation_id_fkey FOREIGN KEY (rotation_id) REFERENCES public.rotation(id);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.station
    ADD CONSTRAINT station_district_id_fkey FOREIGN KEY (district_id) REFERENCES public.district(id);
ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_credit_id_unit_fkey FOREIGN KEY (credit_id, unit) REFERENCES public.account(id, unit);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_debit_id_unit_fkey FOREIGN KEY (debit_id, unit) REFERENCES public.account(id, unit);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES public.visit(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_response_id_fkey FOREIGN KEY (response_id) REFERENCES public.response(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_verified_by_fkey FOREIGN KEY (verified_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.vital_limit
    ADD CONSTRAINT vital_limit_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.vital_limit
    ADD CONSTRAINT vital_limit_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.vital_limit
    ADD CONSTRAINT vital_limit_set_by_fkey FOREIGN KEY (set_by) REFERENCES public.person(id);
ALTER TABLE ONLY public.watch_rule
    ADD CONSTRAINT watch_rule_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.home(id);
ALTER TABLE ONLY public.watch_rule
    ADD CONSTRAINT watch_rule_set_by_fkey FOREIGN KEY (set_by) REFERENCES public.person(id);
