"""The platform: people and homes, alerts from a signal to a resolution, visits, chat and console."""
