"""What Redis holds: everything here may vanish at any moment."""
