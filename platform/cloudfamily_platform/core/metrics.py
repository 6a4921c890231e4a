"""Prometheus metrics of the process; named here, in one place, so that dashboards find them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

stage_units = Counter("cf_stage_units_total", "Units of work done by a stage", ["stage"])
stage_errors = Counter("cf_stage_errors_total", "Units of work that failed", ["stage"])
stage_lag = Gauge("cf_stage_lag_seconds", "Age of the oldest due row that a stage has not done yet", ["stage"])
stage_seconds = Histogram("cf_stage_unit_seconds", "Time of one unit of work", ["stage"])
ill = Gauge("cf_ill", "1 while this process's watchdog finds this wrong", ["reason"])
heartbeats = Counter("cf_heartbeats_total", "Heartbeats to the outside", ["result"])
alarms = Counter("cf_alarms_total", "Alarms of the platform about itself, sent straight to who is on call", ["result"])
job_errors = Counter("cf_job_errors_total", "Cron jobs that failed or were missed", ["job"])

frames = Counter("cf_gateway_frames_total", "MQTT messages taken by a gateway lane", ["lane"])
readings = Counter("cf_gateway_readings_total", "Readings stored (repeats included)")
signals = Counter("cf_gateway_signals_total", "Signals stored (repeats included)")
quarantined = Counter("cf_gateway_quarantined_total", "Frames put into quarantine", ["reason"])
store_seconds = Histogram("cf_gateway_store_seconds", "Time from taking a batch to its commit", ["lane"])

streams = Gauge("cf_console_streams", "Open event streams")
sent = Counter("cf_notifications_total", "Notifications handed to a channel", ["channel", "result"])
routed = Counter("cf_router_tables_total", "Times that travel times were asked of the routing engine", ["result"])
coverage_problems = Gauge("cf_coverage_problems", "What the last daily look at the coverage has found in the whole city", ["kind"])
