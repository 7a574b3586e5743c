"""Signs install links and seals grants. No input or output."""
