"""Hazards, one pure file each: facts in, a hazard or nothing out."""
