"""What the measured costs come to: days, outages and waiting times at any size, by simulation."""
