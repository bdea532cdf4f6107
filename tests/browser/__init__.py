"""Journeys through the site in a real Chromium."""
