-- How many connections there are in each state, kept like the numbers of attempts: changes are added up in `tally`.
CREATE FUNCTION tally_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO tally (name, number) VALUES ('connection:' || OLD.state, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO tally (name, number) VALUES ('connection:' || NEW.state, 1);
    END IF;
    RETURN NULL;
END $$;
-- The triggers come first: they lock the table, so that none comes or goes while those that are there are counted.
CREATE TRIGGER counted AFTER INSERT OR DELETE ON connection FOR EACH ROW EXECUTE FUNCTION tally_connection();
CREATE TRIGGER moved AFTER UPDATE ON connection FOR EACH ROW WHEN (NEW.state <> OLD.state)
    EXECUTE FUNCTION tally_connection();
INSERT INTO tally (name, number) SELECT 'connection:' || state, count(*) FROM connection GROUP BY state;
