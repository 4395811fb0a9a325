"""Intervals, tests, power, corrections, calibration and voting mathematics: numbers in, numbers out."""
