-- Grants that came without an install link: unclaimed until somebody connects them to an account.
CREATE INDEX attempt_unclaimed ON attempt (sealed_until) WHERE status = 'unclaimed';
CREATE INDEX attempt_to_revoke ON attempt (id) WHERE status = 'expired' AND sealed IS NOT NULL;

-- An attempt that belongs to nobody yet has nobody of the host's to tell of.
DROP TRIGGER told ON attempt;
CREATE TRIGGER told AFTER UPDATE ON attempt FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.status IN ('awaiting_approval', 'cancelled', 'failed', 'expired')
        AND NEW.owner NOT LIKE 'direct:%')
    EXECUTE FUNCTION tell_of_attempt();
