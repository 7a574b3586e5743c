"""What PostgreSQL holds: everything that must not be lost. SQL stands beside the function that uses it."""
