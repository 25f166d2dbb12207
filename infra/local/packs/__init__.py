"""Scenario packs: stories in files that play on a running stack (``infra/local/scenarios``)."""
