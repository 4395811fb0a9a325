"""Runs a graph of stages: content keys, a store, a scheduler, worker processes; knows no question and no model."""
