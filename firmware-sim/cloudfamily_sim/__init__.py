"""Simulated homes: devices as state machines, seeded days, fleets over MQTT, faults, and replays of recorded homes."""
