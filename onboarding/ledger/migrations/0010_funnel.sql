-- An attempt that somebody else's approval settled is connected, so Slack has allowed it: otherwise more would be
-- connected than were allowed.
CREATE OR REPLACE FUNCTION facts(a attempt) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['started']
    || CASE WHEN a.returned_at IS NOT NULL THEN ARRAY['returned'] END
    || CASE WHEN a.grant_order IS NOT NULL OR a.connection IS NOT NULL THEN ARRAY['granted'] END
    || CASE WHEN a.connection IS NOT NULL THEN ARRAY['connected'] END
    || CASE WHEN a.status <> 'connected' AND a.reason IS NOT NULL THEN ARRAY['lost:' || a.reason] END;
