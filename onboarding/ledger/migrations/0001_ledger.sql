-- What must not be lost. Every moment is the database's own.

-- Who a channel connection belongs to. Only the delivery that holds the lease may write to Novu for the owner;
-- no grant older than `settled` may change anything any more.
CREATE TABLE owner (
    id text PRIMARY KEY,
    lease text,
    leased_until timestamptz,
    settled bigint NOT NULL DEFAULT 0
);
CREATE SEQUENCE grant_order;

-- One person's try at connecting. `sealed` is the grant, as long as it is kept.
CREATE TABLE attempt (
    id text PRIMARY KEY,
    status text NOT NULL,
    reason text,
    detail text NOT NULL DEFAULT '',
    browser text NOT NULL,
    link_id text NOT NULL,
    link text NOT NULL,
    is_short boolean NOT NULL,
    link_expires_at timestamptz NOT NULL,
    owner text NOT NULL,
    integration text NOT NULL,
    subscriber_id text,
    context_keys text[] NOT NULL,
    started_at timestamptz NOT NULL,
    returned_at timestamptz,
    workspace_id text,
    workspace_name text,
    app_id text,
    installer_id text,
    grant_order bigint,
    sealed text,
    sealed_until timestamptz,
    trying_since timestamptz,
    tries int NOT NULL DEFAULT 0,
    round int NOT NULL DEFAULT 0,
    connection text,
    timeline jsonb NOT NULL,
    forget_at timestamptz NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX attempt_started ON attempt (started_at, id);
CREATE INDEX attempt_status ON attempt (status, started_at, id);
CREATE INDEX attempt_reason ON attempt (reason, started_at, id) WHERE reason IS NOT NULL;
CREATE INDEX attempt_subscriber ON attempt (subscriber_id, started_at, id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX attempt_workspace ON attempt (workspace_id, started_at, id) WHERE workspace_id IS NOT NULL;
CREATE INDEX attempt_integration ON attempt (integration, started_at, id);
CREATE INDEX attempt_owner ON attempt (owner, status);
CREATE INDEX attempt_waiting ON attempt (started_at, id) WHERE status = 'failed' AND sealed IS NOT NULL;
CREATE INDEX attempt_sealed_until ON attempt (sealed_until) WHERE status = 'failed' AND sealed IS NOT NULL;
CREATE INDEX attempt_forget ON attempt (forget_at);

CREATE TABLE attempt_context (
    context text NOT NULL,
    started_at timestamptz NOT NULL,
    attempt_id text NOT NULL,
    PRIMARY KEY (context, started_at, attempt_id)
);

-- What came of it: the newest connection of each owner.
CREATE TABLE connection (
    owner text PRIMARY KEY,
    identifier text NOT NULL,
    integration text NOT NULL,
    subscriber_id text,
    context_keys text[] NOT NULL,
    workspace_id text NOT NULL,
    workspace_name text NOT NULL,
    app_id text,
    installer_id text,
    attempt_id text NOT NULL,
    connected_at timestamptz NOT NULL,
    state text NOT NULL,
    reason text,
    since timestamptz NOT NULL
);
CREATE INDEX connection_identifier ON connection (identifier);
CREATE INDEX connection_workspace ON connection (workspace_id);

-- Install links that were created here, and the links nobody may use any more, wherever they were made.
CREATE TABLE link (
    id text PRIMARY KEY,
    payload text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX link_made ON link (made_at, id);
CREATE INDEX link_expires ON link (expires_at);
CREATE TABLE revocation (
    link_id text PRIMARY KEY,
    until timestamptz NOT NULL
);

-- The words that lead to a customer.
CREATE TABLE term (
    folded text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (folded, kind, value, name)
);
CREATE INDEX term_value ON term (kind, value);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    outcome text NOT NULL,
    address text NOT NULL
);
CREATE INDEX audit_at ON audit (at);

-- Problem pages that belong to no attempt, by their support codes.
CREATE TABLE problem (
    code text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    status int NOT NULL,
    heading text NOT NULL,
    route text NOT NULL,
    about text NOT NULL
);
CREATE INDEX problem_at ON problem (at);

-- Work that is due: `due_at` is the schedule and, once taken, the lease; `take` fences whoever took it before.
CREATE SEQUENCE work_take;
CREATE TABLE work (
    kind text NOT NULL,
    subject text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    since timestamptz NOT NULL DEFAULT now(),
    tries int NOT NULL DEFAULT 0,
    take bigint NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (kind, subject)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX work_due ON work (kind, due_at);
CREATE INDEX work_stuck ON work (tries) WHERE tries > 3;

CREATE TABLE worker (
    id text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- How many attempts stand where (`day` is null), and what became of those that were started on a day, in UTC.
-- A number is the sum of its rows: changes are only ever added, so that nobody waits for anybody.
CREATE TABLE tally (
    day date,
    name text NOT NULL,
    number bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- One line of a timeline.
CREATE FUNCTION event(name text, detail text, at timestamptz DEFAULT now()) RETURNS jsonb STABLE LANGUAGE sql
RETURN jsonb_build_array(jsonb_build_array(extract(epoch FROM at), name, detail));

CREATE FUNCTION standings(a attempt) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY[a.status]
    || CASE WHEN a.status IN ('started', 'granted') THEN ARRAY['pending'] END
    || CASE WHEN a.status = 'failed' AND a.sealed IS NOT NULL THEN ARRAY['waiting'] END;

CREATE FUNCTION facts(a attempt) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['started']
    || CASE WHEN a.returned_at IS NOT NULL THEN ARRAY['returned'] END
    || CASE WHEN a.grant_order IS NOT NULL THEN ARRAY['granted'] END
    || CASE WHEN a.connection IS NOT NULL THEN ARRAY['connected'] END
    || CASE WHEN a.status <> 'connected' AND a.reason IS NOT NULL THEN ARRAY['lost:' || a.reason] END;

CREATE FUNCTION tally_started() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally
    SELECT day, name, count(*) FROM (
        SELECT NULL::date AS day, unnest(standings(a)) AS name FROM now_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, unnest(facts(a)) FROM now_rows a
    ) changes GROUP BY day, name;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally
    SELECT day, name, sum(number) FROM (
        SELECT NULL::date AS day, unnest(standings(a)) AS name, 1 AS number FROM now_rows a
        UNION ALL SELECT NULL, unnest(standings(a)), -1 FROM old_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, unnest(facts(a)), 1 FROM now_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, unnest(facts(a)), -1 FROM old_rows a
    ) changes GROUP BY day, name HAVING sum(number) <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally SELECT NULL, name, -count(*) FROM (
        SELECT unnest(standings(a)) AS name FROM old_rows a
    ) changes GROUP BY name;
    RETURN NULL;
END $$;
CREATE TRIGGER started AFTER INSERT ON attempt REFERENCING NEW TABLE AS now_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_started();
CREATE TRIGGER moved AFTER UPDATE ON attempt REFERENCING OLD TABLE AS old_rows NEW TABLE AS now_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved();
CREATE TRIGGER forgotten AFTER DELETE ON attempt REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_forgotten();
