-- Several Slack apps, each with its own endpoint of the host: every endpoint pauses by itself. An empty name, which a
-- release before this one writes, stands for all of them.
ALTER TABLE webhook_pause DROP CONSTRAINT webhook_pause_pkey, DROP COLUMN one,
    ADD COLUMN endpoint text NOT NULL DEFAULT '' PRIMARY KEY;
CREATE INDEX attempt_owner_started ON attempt (owner, started_at, id);
