-- Hourly values, computed when asked for: no continuous aggregates here.
CREATE VIEW reading_hourly AS
SELECT date_trunc('hour', time, 'UTC') AS hour, device_id, quantity,
       count(*) AS readings, avg(value) AS mean, min(value) AS lowest, max(value) AS highest
FROM reading GROUP BY 1, 2, 3;
