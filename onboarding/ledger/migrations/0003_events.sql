-- What the host product is told, and what Slack told us.

-- Something that happened to an owner, written by the triggers below with the change that it tells of: there is no
-- change without its event, and no event without its change. `deliveries` holds a moment and the answer's status for
-- each try (null: no answer).
CREATE TABLE event (
    id text PRIMARY KEY,
    owner text,
    sequence bigint,
    type text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    connection text,
    data jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    tries int NOT NULL DEFAULT 0,
    deliveries jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX event_at ON event (at, id);
CREATE INDEX event_type ON event (type, at, id);
CREATE INDEX event_connection ON event (connection, at, id) WHERE connection IS NOT NULL;
CREATE INDEX event_owner ON event (owner, sequence);
CREATE INDEX event_waiting ON event (status, at) WHERE status IN ('pending', 'paused');
CREATE TABLE event_number (
    owner text PRIMARY KEY,
    number bigint NOT NULL
);
-- A row while the host's endpoint has said that it is gone.
CREATE TABLE webhook_pause (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since timestamptz NOT NULL DEFAULT now()
);

-- `is_shared`: the owner has no subscriber, whatever the link says. `reconnect_link` is a link that heals a broken one,
-- `removed_at` when Slack last said that the app was removed.
ALTER TABLE connection ADD COLUMN link_id text, ADD COLUMN is_shared boolean NOT NULL DEFAULT false,
    ADD COLUMN missing_scopes text[] NOT NULL DEFAULT '{}', ADD COLUMN checked_at timestamptz, ADD COLUMN reconnect_link text, ADD COLUMN removed_at timestamptz;
UPDATE connection c SET link_id = a.link_id, is_shared = (a.link::jsonb ->> 'connectionMode') = 'shared'
FROM attempt a WHERE a.id = c.attempt_id;
CREATE INDEX connection_connected ON connection (connected_at, owner);
CREATE INDEX connection_state ON connection (state, connected_at, owner);
CREATE INDEX connection_subscriber ON connection (subscriber_id, connected_at, owner) WHERE subscriber_id IS NOT NULL;
CREATE INDEX connection_contexts ON connection USING gin (context_keys);
CREATE INDEX attempt_link ON attempt (link_id, started_at, id);

-- Slack's events, for as long as Slack may repeat one.
CREATE TABLE slack_event (
    id text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX slack_event_at ON slack_event (at);
-- Until when Slack is not asked about the connections of an integration, because it was asked too often.
CREATE TABLE slack_brake (
    integration text PRIMARY KEY,
    until timestamptz NOT NULL
);

CREATE FUNCTION tell(of_owner text, what text, about text, said jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    next bigint;
    made text := 'evt_' || replace(gen_random_uuid()::text, '-', '');
BEGIN
    INSERT INTO event_number AS n (owner, number) VALUES (of_owner, 1)
    ON CONFLICT (owner) DO UPDATE SET number = n.number + 1 RETURNING number INTO next;
    INSERT INTO event (id, owner, sequence, type, connection, data) VALUES (made, of_owner, next, what, about, said);
    INSERT INTO work (kind, subject) VALUES ('webhook', made);
END $$;

CREATE FUNCTION workspace_of(id text, name text) RETURNS jsonb IMMUTABLE LANGUAGE sql
RETURN CASE WHEN id IS NOT NULL THEN jsonb_build_object('id', id, 'name', name) END;

CREATE FUNCTION sorted(keys text[]) RETURNS jsonb IMMUTABLE LANGUAGE sql
RETURN (SELECT coalesce(jsonb_agg(key ORDER BY key), '[]') FROM unnest(keys) key);

CREATE FUNCTION about_connection(c connection) RETURNS jsonb IMMUTABLE LANGUAGE sql
RETURN jsonb_build_object(
    'attemptId', c.attempt_id, 'linkId', c.link_id, 'subscriberId', CASE WHEN NOT c.is_shared THEN c.subscriber_id END,
    'contextKeys', sorted(c.context_keys), 'integrationIdentifier', c.integration,
    'connectionIdentifier', c.identifier, 'workspace', workspace_of(c.workspace_id, c.workspace_name));

CREATE FUNCTION tell_of_connection() RETURNS trigger LANGUAGE plpgsql AS $$
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
    ELSIF NEW.state = 'broken' AND OLD.state <> 'broken' THEN
        what := 'connection.broken';
        more := jsonb_build_object('reason', NEW.reason, 'reconnectLink', NEW.reconnect_link);
    ELSIF NEW.state = 'working' AND OLD.state = 'broken' THEN
        what := 'connection.recovered';
    END IF;
    IF what IS NOT NULL THEN
        PERFORM tell(NEW.owner, what, NEW.identifier, about_connection(NEW) || more);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT OR UPDATE ON connection FOR EACH ROW EXECUTE FUNCTION tell_of_connection();

CREATE FUNCTION tell_of_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell(NEW.owner, 'attempt.' || NEW.status, NULL, jsonb_build_object(
        'attemptId', NEW.id, 'linkId', NEW.link_id,
        'subscriberId', CASE WHEN NEW.link::jsonb ->> 'connectionMode' <> 'shared' THEN NEW.subscriber_id END,
        'contextKeys', sorted(NEW.context_keys), 'integrationIdentifier', NEW.integration,
        'workspace', workspace_of(NEW.workspace_id, NEW.workspace_name), 'reason', NEW.reason));
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER UPDATE ON attempt FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.status IN ('awaiting_approval', 'cancelled', 'failed', 'expired'))
    EXECUTE FUNCTION tell_of_attempt();

CREATE FUNCTION tell_of_destination() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c connection;
BEGIN
    SELECT * INTO c FROM connection WHERE owner = NEW.owner;
    IF FOUND AND c.state <> 'ended' THEN
        PERFORM tell(NEW.owner, 'destination.set', c.identifier, about_connection(c) || jsonb_build_object('endpoint',
            jsonb_build_object('identifier', 'chendp_' || regexp_replace(NEW.owner, '^chconn_', ''),
                               'type', NEW.placed ->> 'type')));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER UPDATE ON destination FOR EACH ROW
    WHEN (NEW.placed IS NOT NULL AND NEW.placed IS DISTINCT FROM OLD.placed) EXECUTE FUNCTION tell_of_destination();
