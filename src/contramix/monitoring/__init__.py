"""Measure the health of training without labels, and raise alarms."""
