-- History by month: forgetting is dropping a table, and never a long DELETE.

ALTER TABLE audit ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE audit_number;
SELECT setval('audit_number', coalesce(max(id), 0) + 1, false) FROM audit;
ALTER TABLE audit ALTER COLUMN id SET DEFAULT nextval('audit_number');

DROP TRIGGER started ON attempt;
DROP TRIGGER moved ON attempt;
DROP TRIGGER forgotten ON attempt;
DROP TRIGGER told ON attempt;
DROP FUNCTION standings(attempt), facts(attempt);
-- Lists and whoever looks for all of one status ask for (status || ''). A plain index would also be taken for questions
-- about one owner or one id: as long as the server believes that hardly any row has this status, it looks as good, and
-- when many have piled up meanwhile, all of them are read each time.
DROP INDEX attempt_status, event_waiting;
CREATE INDEX attempt_standing ON attempt ((status || ''), started_at, id);
CREATE INDEX event_standing ON event ((status || ''), at, id) WHERE (status || '') IN ('pending', 'paused');
-- Those that nobody finished: they leave after half a day.
CREATE INDEX attempt_abandoned ON attempt (forget_at) WHERE status = 'expired' AND reason = 'timed_out';

CREATE TABLE history (
    name text PRIMARY KEY,
    moment text NOT NULL,
    unique_by text NOT NULL,
    options text NOT NULL
);
INSERT INTO history VALUES
    ('attempt', 'started_at', 'id, started_at', 'fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05'),
    ('attempt_context', 'started_at', 'context, started_at, attempt_id', 'fillfactor = 100'),
    ('event', 'at', 'id, at', 'fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05'),
    ('audit', 'at', 'id, at', 'fillfactor = 100');

-- What there is becomes this month, together with everything before it: nothing is copied.
DO $$
DECLARE
    month text := to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM');
    ends timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    h history;
BEGIN
    FOR h IN SELECT * FROM history LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', h.name, h.name || '_pkey');
        EXECUTE format('ALTER TABLE %I RENAME TO %I', h.name, h.name || month);
        EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', h.name || month, h.unique_by);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES) PARTITION BY RANGE (%I)',
                       h.name, h.name || month, h.moment);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
                       h.name, h.name || month, ends);
    END LOOP;
END $$;

-- Makes this month and the next one, if they are not there. Whoever runs the service need not own the tables.
CREATE FUNCTION make_months() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    h history;
    begins timestamp;
    part text;
BEGIN
    FOR ahead IN 0..1 LOOP
        begins := date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month';
        FOR h IN SELECT * FROM history LOOP
            part := h.name || to_char(begins, '_YYYY_MM');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            PERFORM pg_advisory_xact_lock(7310002);
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES) WITH (%s)',
                           part, h.name, h.options);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', h.name, part,
                           begins AT TIME ZONE 'UTC', (begins + interval '1 month') AT TIME ZONE 'UTC');
        END LOOP;
    END LOOP;
END $$;
SELECT make_months();

CREATE FUNCTION months(of_history text) RETURNS TABLE (part text, ends timestamptz) STABLE LANGUAGE sql AS $$
    SELECT c.relname::text, substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$TO \('(.*)'\)$re$)::timestamptz
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = of_history::regclass ORDER BY 2
$$;

-- Whether a month holds an attempt that is not over, that somebody may still look at, or that holds a grant.
CREATE FUNCTION is_needed(part text) RETURNS boolean STABLE LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    answer boolean;
BEGIN
    EXECUTE format($q$
        SELECT EXISTS (SELECT FROM %1$I WHERE forget_at > now())
            OR EXISTS (SELECT FROM %1$I
                       WHERE (status || '') IN ('started', 'granted', 'awaiting_approval', 'unclaimed'))
            OR EXISTS (SELECT FROM %1$I WHERE status = 'failed' AND sealed IS NOT NULL)
            OR EXISTS (SELECT FROM %1$I WHERE status = 'expired' AND sealed IS NOT NULL)
        $q$, part) INTO answer;
    RETURN answer;
END $$;

-- Drops the oldest month of a history that nobody needs any more. Gives its name; null if there is none, or if somebody
-- reads it for longer than others could wait.
CREATE FUNCTION drop_month(of_history text, kept interval) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '500ms' AS $$
DECLARE
    old text;
BEGIN
    FOR old IN SELECT part FROM months(of_history) WHERE ends <= now() - kept LOOP
        CONTINUE WHEN of_history = 'attempt' AND is_needed(old);
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', of_history);
        CONTINUE WHEN of_history = 'attempt' AND is_needed(old);
        EXECUTE format('DROP TABLE %I', old);
        IF of_history = 'attempt' THEN
            EXECUTE format('DROP TABLE %I', replace(old, 'attempt', 'attempt_context'));
        END IF;
        RETURN old;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END $$;

-- Words are learned anew in every month, and leave with its attempts.
ALTER TABLE term ADD COLUMN month date NOT NULL DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC');
ALTER TABLE term DROP CONSTRAINT term_pkey, ADD PRIMARY KEY (folded, kind, value, name, month);
CREATE INDEX term_month ON term (month) WHERE kind <> 'link';

-- What its link said is noted with the connection at once; what a release before this one leaves out, before its
-- attempt goes.
CREATE INDEX connection_without_link ON connection (attempt_id) WHERE link IS NULL;

-- How many attempts stand where (`day` is null) and until when they are counted (null: as long as they are open), and
-- what became of those that were started on a day, in UTC. A number is the sum of its marks: they are only ever added,
-- so that nobody waits for anybody. `tally` is what a release before this one reads.
CREATE TABLE tally_mark (
    day date,
    until date,
    name text NOT NULL,
    number bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

CREATE FUNCTION standings(a attempt) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY[a.status]
    || CASE WHEN a.status IN ('started', 'granted') THEN ARRAY['pending'] END
    || CASE WHEN a.status = 'failed' AND a.sealed IS NOT NULL THEN ARRAY['waiting'] END;

CREATE FUNCTION counted_until(a attempt) RETURNS date IMMUTABLE LANGUAGE sql
RETURN CASE WHEN a.status NOT IN ('started', 'granted', 'awaiting_approval', 'unclaimed') AND a.sealed IS NULL
    THEN (a.forget_at AT TIME ZONE 'UTC')::date END;

CREATE FUNCTION facts(a attempt) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['started']
    || CASE WHEN a.returned_at IS NOT NULL THEN ARRAY['returned'] END
    || CASE WHEN a.grant_order IS NOT NULL OR a.connection IS NOT NULL THEN ARRAY['granted'] END
    || CASE WHEN a.connection IS NOT NULL THEN ARRAY['connected'] END
    || CASE WHEN a.status <> 'connected' AND a.reason IS NOT NULL THEN ARRAY['lost:' || a.reason] END;

CREATE OR REPLACE FUNCTION tally_started() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_mark
    SELECT day, until, name, count(*) FROM (
        SELECT NULL::date AS day, counted_until(a) AS until, unnest(standings(a)) AS name FROM now_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, NULL, unnest(facts(a)) FROM now_rows a
    ) changes GROUP BY day, until, name;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION tally_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_mark
    SELECT day, until, name, sum(number) FROM (
        SELECT NULL::date AS day, counted_until(a) AS until, unnest(standings(a)) AS name, 1 AS number FROM now_rows a
        UNION ALL SELECT NULL, counted_until(a), unnest(standings(a)), -1 FROM old_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, NULL, unnest(facts(a)), 1 FROM now_rows a
        UNION ALL SELECT (a.started_at AT TIME ZONE 'UTC')::date, NULL, unnest(facts(a)), -1 FROM old_rows a
    ) changes GROUP BY day, until, name HAVING sum(number) <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION tally_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_mark
    SELECT NULL, until, name, -count(*) FROM (
        SELECT counted_until(a) AS until, unnest(standings(a)) AS name FROM old_rows a
    ) changes GROUP BY until, name;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION tally_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO tally_mark (name, number) VALUES ('connection:' || OLD.state, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO tally_mark (name, number) VALUES ('connection:' || NEW.state, 1);
    END IF;
    RETURN NULL;
END $$;

LOCK TABLE connection IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO tally_mark
SELECT day, NULL, name, sum(number) FROM tally WHERE day IS NOT NULL OR name LIKE 'connection:%' GROUP BY day, name
UNION ALL
SELECT NULL, until, name, count(*) FROM (
    SELECT counted_until(a) AS until, unnest(standings(a)) AS name FROM attempt a) standing GROUP BY until, name;
DELETE FROM tally;

CREATE TRIGGER started AFTER INSERT ON attempt REFERENCING NEW TABLE AS now_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_started();
CREATE TRIGGER moved AFTER UPDATE ON attempt REFERENCING OLD TABLE AS old_rows NEW TABLE AS now_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved();
CREATE TRIGGER forgotten AFTER DELETE ON attempt REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_forgotten();
CREATE TRIGGER told AFTER UPDATE ON attempt FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.status IN ('awaiting_approval', 'cancelled', 'failed', 'expired')
        AND NEW.owner NOT LIKE 'direct:%')
    EXECUTE FUNCTION tell_of_attempt();
