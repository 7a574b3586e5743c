"""What Redis holds besides attempts: minted links, sessions, the audit, answers given, problems shown, limits."""
