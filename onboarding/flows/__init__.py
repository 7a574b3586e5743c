"""The story, one file for each sentence of it. Knows no Flask, no SQL, no Redis and no HTTP."""
