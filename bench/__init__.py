"""Measures this service beside Slack Bolt for Python and a floor, on one machine: `python -m bench`."""
