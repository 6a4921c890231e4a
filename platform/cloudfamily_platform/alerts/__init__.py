"""From a signal to a hand at the door: watch, escalate, offer, deliver, respond."""
