"""Forecasts of time, tokens and money, from recorded rates and runs."""
