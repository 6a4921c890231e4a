"""The MQTT edge: take, decode, store, then acknowledge. Never imports alerts: a broken rule cannot stop storage."""
