"""Models on disk and in memory: settings, loading, the one renderer, stop rules, writing."""
