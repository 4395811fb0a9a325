"""The toy package registers its rows when it is imported, so doctests are not sought in it."""

collect_ignore = ["toy_package"]
