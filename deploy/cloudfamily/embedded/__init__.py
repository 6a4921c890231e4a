"""The parts that `cloudfamily run` brings along: a PostgreSQL and an MQTT broker on loopback.

For a demo, a trial and the tests: no TLS, no access rules, one machine.
"""
