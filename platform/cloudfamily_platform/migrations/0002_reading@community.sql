-- Readings on TimescaleDB's community edition: a hypertable, compressed after two weeks.
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE reading (
    time      timestamptz NOT NULL,
    device_id integer NOT NULL,
    quantity  smallint NOT NULL,
    value     float8 NOT NULL,
    UNIQUE (device_id, quantity, time)
);
SELECT create_hypertable('reading', by_range('time', interval '7 days'), create_default_indexes => false);
ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id, quantity', timescaledb.compress_orderby = 'time DESC');
SELECT add_compression_policy('reading', compress_after => interval '14 days');

CREATE FUNCTION reading_maintain(at timestamptz, keep_days integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM drop_chunks('reading', older_than => at - make_interval(days => keep_days));
END $$;
