-- History by month: forgetting is dropping a table, and never a long DELETE.

-- Bounds are written and read as text.
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';

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
-- Nothing older than the longest of them is in sight.
CREATE INDEX attempt_span ON attempt ((forget_at - started_at));
-- Those that nobody finished: they leave after half a day.
CREATE INDEX attempt_abandoned ON attempt (forget_at) WHERE status = 'expired' AND reason = 'timed_out';

-- For how long after its end a month is kept at least. One of attempts waits for the last of them to be over.
CREATE TABLE history (
    name text PRIMARY KEY,
    moment text NOT NULL,
    unique_by text NOT NULL,
    options text NOT NULL,
    kept interval NOT NULL
);
INSERT INTO history VALUES
    ('attempt', 'started_at', 'id, started_at', 'fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05', '0'),
    ('attempt_context', 'started_at', 'context, started_at, attempt_id', 'fillfactor = 100', '0'),
    ('event', 'at', 'id, at', 'fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05', '30 days'),
    ('audit', 'at', 'id, at', 'fillfactor = 100', '90 days');

-- Whoever may do something with one table may do it with the other.
CREATE FUNCTION pg_temp.share_rights(old regclass, new regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS who
        FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = old AND grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s', given.privilege_type, new, given.who);
        IF new = 'audit'::regclass AND given.privilege_type = 'INSERT' THEN
            EXECUTE format('GRANT USAGE ON SEQUENCE audit_number TO %s', given.who);
        END IF;
    END LOOP;
END $$;

-- What there is becomes the first month, together with everything before it: nothing is copied. It is this month, or a
-- later one if a clock was wrong.
DO $$
DECLARE
    latest timestamp := (SELECT greatest(now(), (SELECT max(started_at) FROM attempt), (SELECT max(at) FROM event),
                                         (SELECT max(at) FROM audit)) AT TIME ZONE 'UTC');
    month text := to_char(latest, '_YYYY_MM');
    ends timestamptz := (date_trunc('month', latest) + interval '1 month') AT TIME ZONE 'UTC';
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
        PERFORM pg_temp.share_rights((h.name || month)::regclass, h.name::regclass);
    END LOOP;
END $$;

CREATE FUNCTION months(of_history text) RETURNS TABLE (part text, ends timestamptz) STABLE LANGUAGE sql
SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
    SELECT c.relname::text, substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$TO \('(.*)'\)$re$)::timestamptz
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = of_history::regclass ORDER BY 2
$$;

-- Makes this month and the next one, if they are not there. Whoever runs the service need not own the tables.
CREATE FUNCTION make_months() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    h history;
    begins timestamptz;
    until timestamptz;
    part text;
BEGIN
    FOR h IN SELECT * FROM history LOOP
        FOR ahead IN 0..1 LOOP
            begins := date_trunc('month', now()) + ahead * interval '1 month';
            until := begins + interval '1 month';
            part := h.name || to_char(begins, '_YYYY_MM');
            CONTINUE WHEN EXISTS (SELECT FROM months(h.name) m WHERE m.ends >= until);
            PERFORM pg_advisory_xact_lock(7310002);
            CONTINUE WHEN EXISTS (SELECT FROM months(h.name) m WHERE m.ends >= until);
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES) WITH (%s)',
                           part, h.name, h.options);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           h.name, part, begins, until);
        END LOOP;
    END LOOP;
END $$;

-- Whether a month holds an attempt that is not over, that somebody may still look at, or that holds a grant.
CREATE FUNCTION is_needed(part text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
DECLARE
    answer boolean;
BEGIN
    EXECUTE format($q$
        SELECT coalesce((SELECT max(forget_at) FROM %1$I) > now(), false)
            OR EXISTS (SELECT FROM %1$I
                       WHERE (status || '') IN ('started', 'granted', 'awaiting_approval', 'unclaimed'))
            OR EXISTS (SELECT FROM %1$I WHERE status = 'failed' AND sealed IS NOT NULL)
            OR EXISTS (SELECT FROM %1$I WHERE status = 'expired' AND sealed IS NOT NULL)
        $q$, part) INTO answer;
    RETURN answer;
END $$;

-- Drops the oldest month of a history that nobody needs any more. Gives its name; null if there is none, or if somebody
-- reads it for longer than others could wait.
CREATE FUNCTION drop_month(of_history text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '500ms' AS $$
DECLARE
    old text;
BEGIN
    FOR old IN
        SELECT part FROM history h, months(h.name) m
        WHERE h.name = of_history AND m.ends <= now() - h.kept ORDER BY m.ends
    LOOP
        CONTINUE WHEN of_history = 'attempt' AND is_needed(old);
        -- Nobody gets past it to any month. Their own locks would also wait for the vacuum of another month.
        EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', of_history);
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

-- Nobody can put a table of their own in front of ours.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION make_months() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION drop_month(text) SET search_path = %I, pg_temp', current_schema());
END $$;
SELECT make_months();

-- Words are learned anew in every month, and leave with its attempts.
ALTER TABLE term ADD COLUMN month date NOT NULL DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC');
ALTER TABLE term DROP CONSTRAINT term_pkey, ADD PRIMARY KEY (folded, kind, value, name, month);
CREATE INDEX term_month ON term (month) WHERE kind <> 'link';

-- What its link said is noted with the connection at once. In a trigger for a release before this one, which noted it
-- when the attempt was forgotten.
UPDATE connection c SET link = a.link FROM attempt a WHERE a.id = c.attempt_id AND c.link IS DISTINCT FROM a.link;
CREATE FUNCTION remember_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.link := (SELECT link FROM attempt WHERE id = NEW.attempt_id);
    RETURN NEW;
END $$;
CREATE TRIGGER link_of_new BEFORE INSERT ON connection FOR EACH ROW WHEN (NEW.link IS NULL)
    EXECUTE FUNCTION remember_link();
CREATE TRIGGER link_of_other BEFORE UPDATE ON connection FOR EACH ROW
    WHEN (NEW.attempt_id <> OLD.attempt_id AND NEW.link IS NOT DISTINCT FROM OLD.link)
    EXECUTE FUNCTION remember_link();

-- How many attempts stand where (`day` is null) and until when they are counted (null: as long as they are open), and
-- what became of those that were started on a day, in UTC. A number is the sum of its marks: they are only ever added,
-- so that nobody waits for anybody. `tally` stays as it is, for a release before this one to read.
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
SELECT pg_temp.share_rights('tally', 'tally_mark');

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
