"""Processes that compute jobs, and what a calculation sees of its process: the monitor."""
