"""Purchases in words for the people who approve them: before an update, and after it."""
