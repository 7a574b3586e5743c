-- Lists of one Slack app among several. jsonb holds no NUL, and a link may.
CREATE INDEX event_integration ON event ((data ->> 'integrationIdentifier'), at, id);
CREATE FUNCTION integration_of(link text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN replace(link, '\u0000', '\ufffd')::jsonb ->> 'integrationIdentifier';
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;
CREATE INDEX link_integration ON link (integration_of(payload), made_at, id);

-- Work that met an obstacle the last time.
CREATE INDEX work_failing ON work (due_at) WHERE last_error IS NOT NULL;

-- What somebody looks for in the audit log.
CREATE INDEX audit_action ON audit (action, id);
