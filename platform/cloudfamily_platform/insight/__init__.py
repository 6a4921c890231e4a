"""Figures about how it goes. Canaries never count."""
