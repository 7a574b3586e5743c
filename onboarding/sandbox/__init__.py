"""Local fakes of Slack, Novu, a sign-in and a host product, and what starts them. The service imports none of it."""
