-- Readings on plain PostgreSQL: native partitions, one a week, made ahead and dropped by reading_maintain().
CREATE TABLE reading (
    time      timestamptz NOT NULL,
    device_id integer NOT NULL,
    quantity  smallint NOT NULL,
    value     float8 NOT NULL,
    UNIQUE (device_id, quantity, time)
) PARTITION BY RANGE (time);

CREATE FUNCTION reading_maintain(at timestamptz, keep_days integer) RETURNS void LANGUAGE plpgsql AS $$
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
