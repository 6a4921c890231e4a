"""What every component stands on: settings, database, migrations, stages, texts, logs, metrics. Knows no domain."""
