"""Extraction of answers from texts, their canonical forms and their equality; no other package parses answers."""
