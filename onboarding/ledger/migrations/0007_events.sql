-- Each owner's events that were not sent yet: only the first of them is due, and its first try makes the next one due.
CREATE INDEX event_untried ON event (owner, sequence) WHERE status = 'pending' AND tries = 0;
