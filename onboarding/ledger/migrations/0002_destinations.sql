-- Where notifications go, and connections that are being ended.

-- For each owner at most one channel endpoint of ours. `choice` is the newest decision (null: nowhere) and `number`
-- names it; `placed` is what Novu is known to have, as of decision `settled`. While the numbers differ, work is due.
CREATE SEQUENCE choice_order;
CREATE TABLE destination (
    owner text PRIMARY KEY,
    connection text NOT NULL,
    workspace_id text NOT NULL,
    number bigint NOT NULL,
    choice jsonb,
    settled bigint NOT NULL DEFAULT 0,
    placed jsonb
);
CREATE INDEX destination_open ON destination (owner) WHERE number <> settled;

-- An end that somebody asked for, until Novu has deleted everything.
CREATE TABLE ending (
    owner text PRIMARY KEY,
    connection text NOT NULL,
    revokes boolean NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);
