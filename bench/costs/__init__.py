"""What each part of the service costs: CPU by process, statements, WAL, bytes, commands, calls. For `bench.scale`."""
