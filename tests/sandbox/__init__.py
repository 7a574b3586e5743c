"""The local Slack and the local Novu, driven over loopback HTTP."""
