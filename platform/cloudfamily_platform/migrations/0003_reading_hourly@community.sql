-- no transaction
-- Hourly values, kept up to date by TimescaleDB itself.
CREATE MATERIALIZED VIEW reading_hourly WITH (timescaledb.continuous) AS
SELECT time_bucket(interval '1 hour', time) AS hour, device_id, quantity,
       count(*) AS readings, avg(value) AS mean, min(value) AS lowest, max(value) AS highest
FROM reading GROUP BY 1, 2, 3 WITH NO DATA;
ALTER MATERIALIZED VIEW reading_hourly SET (timescaledb.materialized_only = false);
SELECT add_continuous_aggregate_policy('reading_hourly', start_offset => interval '3 days', end_offset => interval '1 hour', schedule_interval => interval '1 hour');
