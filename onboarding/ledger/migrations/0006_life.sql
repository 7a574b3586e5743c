-- A connection's life, as the host is told of it.

-- Shared connections whose attempts were forgotten before 0003 looked for them: their owners tell. It comes first,
-- because what follows locks the table until the end.
UPDATE connection SET is_shared = true
WHERE NOT is_shared AND link_id IS NULL AND subscriber_id IS NOT NULL AND context_keys <> '{}'
    AND owner = 'chconn_' || left(encode(sha256(convert_to(
        '[' || to_json(integration) || ',null,['
        || (SELECT string_agg(to_json(key)::text, ',' ORDER BY key COLLATE "C") FROM unnest(context_keys) key)
        || ']]', 'UTF8')), 'hex'), 32);

-- `link` is what the connection's link said, from when its attempt is forgotten. `is_told_broken`: the host was told
-- that it broke, and of nothing since.
ALTER TABLE connection ADD COLUMN link text, ADD COLUMN is_told_broken boolean NOT NULL DEFAULT false;
UPDATE connection SET is_told_broken = true WHERE state = 'broken';

-- In a trigger, because a release before this one knows nothing of it.
CREATE FUNCTION remember_broken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_told_broken := CASE NEW.state WHEN 'broken' THEN true WHEN 'unknown' THEN OLD.is_told_broken ELSE false END;
    RETURN NEW;
END $$;
CREATE TRIGGER remembered BEFORE UPDATE ON connection FOR EACH ROW WHEN (NEW.state <> OLD.state)
    EXECUTE FUNCTION remember_broken();

CREATE OR REPLACE FUNCTION tell_of_connection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    what text;
    more jsonb := '{}';
BEGIN
    IF TG_OP = 'INSERT' OR OLD.state = 'ended' AND NEW.state <> 'ended' THEN
        what := 'connection.connected';
    ELSIF NEW.state = 'ended' AND OLD.state <> 'ended' THEN
        what := 'connection.disconnected';
        more := jsonb_build_object('reason', NEW.reason);
    ELSIF NEW.state <> 'ended' AND NEW.attempt_id <> OLD.attempt_id THEN
        what := 'connection.updated';
        IF NEW.workspace_id <> OLD.workspace_id THEN
            more := jsonb_build_object('previousWorkspace', workspace_of(OLD.workspace_id, OLD.workspace_name));
        END IF;
    ELSIF NEW.is_told_broken AND NOT OLD.is_told_broken THEN
        what := 'connection.broken';
        more := jsonb_build_object('reason', NEW.reason, 'reconnectLink', NEW.reconnect_link);
    ELSIF NEW.state = 'working' AND OLD.is_told_broken THEN
        what := 'connection.recovered';
    END IF;
    IF what IS NOT NULL THEN
        PERFORM tell(NEW.owner, what, NEW.identifier, about_connection(NEW) || more);
    END IF;
    RETURN NULL;
END $$;

-- jsonb holds no NUL, and a link may: no link may keep the attempts of others from ending.
CREATE FUNCTION says_shared(link text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN replace(link, '\u0000', '\ufffd')::jsonb ->> 'connectionMode' = 'shared';
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tell_of_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell(NEW.owner, 'attempt.' || NEW.status, NULL, jsonb_build_object(
        'attemptId', NEW.id, 'linkId', NEW.link_id,
        'subscriberId', CASE WHEN NOT says_shared(NEW.link) THEN NEW.subscriber_id END,
        'contextKeys', sorted(NEW.context_keys), 'integrationIdentifier', NEW.integration,
        'workspace', workspace_of(NEW.workspace_id, NEW.workspace_name), 'reason', NEW.reason));
    RETURN NULL;
END $$;
