"""Stub until written."""
