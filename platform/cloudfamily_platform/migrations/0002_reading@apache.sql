-- Readings on TimescaleDB's Apache edition: a hypertable, old chunks dropped by reading_maintain().
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE reading (
    time      timestamptz NOT NULL,
    device_id integer NOT NULL,
    quantity  smallint NOT NULL,
    value     float8 NOT NULL,
    UNIQUE (device_id, quantity, time)
);
SELECT create_hypertable('reading', by_range('time', interval '7 days'), create_default_indexes => false);

CREATE FUNCTION reading_maintain(at timestamptz, keep_days integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM drop_chunks('reading', older_than => at - make_interval(days => keep_days));
END $$;
