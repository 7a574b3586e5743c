"""A local Slack, a local Novu and the processes of a rehearsal. Another party: nothing in the service imports it."""
