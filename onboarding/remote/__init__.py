"""Slack, Novu and the OpenID issuer, each behind typed functions, over one HTTP policy."""
