"""Records that Novu has a connection: one statement that settles whatever the owner had left open.

It erases the grant, ends older attempts, makes the connection the owner's, moves or drops where notifications go,
and withdraws an end that was asked for. An attempt that is not the owner's newest changes only itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from onboarding.ledger import terms
from onboarding.ledger.statement import Frequent, frequent
from onboarding.ledger.work import DUE_ANEW, DUE_SOONER
from onboarding.model import Workspace
from onboarding.model.destinations import Destination

WISH_SAFETY_NET: Final = timedelta(seconds=20)
"""When a worker looks after a wish that a delivery is about to carry out."""


@dataclass(frozen=True, slots=True)
class Made:
    """A connection that Novu has, for the ledger to record.

    `wish` is where its link lets notifications go, `refused` why that is not possible.
    """

    identifier: str
    workspace: Workspace
    app_id: str | None
    installer_id: str | None
    wish: Destination | None = None
    refused: str = ""


_MOVED_ON: Final = f"""
    carried AS (
        UPDATE destination d SET connection = %(identifier)s, workspace_id = %(workspace_id)s,
            number = nextval('choice_order'),
            choice = CASE WHEN d.workspace_id = %(workspace_id)s THEN d.choice END,
            placed = CASE WHEN d.workspace_id = %(workspace_id)s THEN d.placed END
        FROM newest JOIN moved ON moved.id = newest.id LEFT JOIN connection c ON c.owner = newest.owner
        WHERE d.owner = newest.owner
            AND (d.workspace_id <> %(workspace_id)s OR d.connection <> %(identifier)s
                OR moved.subscriber_id <> c.subscriber_id OR EXISTS (SELECT FROM ending e WHERE e.owner = d.owner))
        RETURNING d.owner
    ), moving AS (
        INSERT INTO work (kind, subject) SELECT 'destination', owner FROM carried
        {DUE_ANEW})
"""
"""Where notifications go stays as it is in the same workspace, and ends in another: its channels are not there.

A worker sees to Novu's endpoint if it is to be another, and after an end that was asked for: it may be gone already.
"""
_WISHED: Final = f"""
    carried AS (
        INSERT INTO destination AS d (owner, connection, workspace_id, number, choice)
        SELECT owner, %(identifier)s, %(workspace_id)s, nextval('choice_order'), %(wish)s::jsonb FROM newest
        ON CONFLICT (owner) DO UPDATE SET connection = excluded.connection, workspace_id = excluded.workspace_id,
            number = nextval('choice_order'),
            choice = CASE WHEN d.workspace_id = excluded.workspace_id THEN coalesce(d.choice, excluded.choice)
                          ELSE excluded.choice END,
            placed = CASE WHEN d.workspace_id = excluded.workspace_id THEN d.placed END
        RETURNING d.owner
    ), moving AS (
        INSERT INTO work (kind, subject, due_at) SELECT 'destination', owner, now() + %(wish_wait)s FROM carried
        {DUE_ANEW})
"""
"""The link says where notifications go. What somebody chose in the same workspace stays."""
_REMOVED: Final = """
    CASE WHEN EXISTS (SELECT FROM destination d WHERE d.owner = was.owner AND d.placed IS NOT NULL
                      AND d.workspace_id <> %(workspace_id)s)
        THEN event('destination_removed', NULL) ELSE '[]' END
"""
_TOLD: Final = "event(%(event)s, %(event_detail)s)"


def _connect(destination: str, told: str) -> Frequent:
    return frequent(_CONNECT.replace("{destination}", destination).replace("{told}", told))


_CONNECT: Final = f"""
    WITH was AS (
        SELECT id, owner, coalesce(grant_order, nextval('grant_order')) AS grant_order FROM attempt
        WHERE id = %(id)s AND status IN ('granted', 'started', 'expired') FOR UPDATE
    ), held AS (
        INSERT INTO owner AS o (id, settled) SELECT owner, grant_order FROM was
        ON CONFLICT (id) DO UPDATE SET
            settled = greatest(o.settled, excluded.settled),
            lease = nullif(o.lease, %(lease)s),
            leased_until = CASE WHEN o.lease = %(lease)s THEN NULL ELSE o.leased_until END
        RETURNING id, settled
    ), newest AS (
        SELECT was.* FROM was JOIN held ON held.id = was.owner AND held.settled = was.grant_order
    ), moved AS (
        UPDATE attempt SET
            status = 'connected', reason = NULL, detail = '', sealed = NULL, connection = %(identifier)s,
            workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
            installer_id = %(installer_id)s, grant_order = was.grant_order,
            returned_at = coalesce(returned_at, now() - %(back_for)s), forget_at = now() + %(retention)s,
            timeline = timeline || event('connected', %(workspace_name)s) || {{told}}
        FROM was WHERE attempt.id = was.id
        RETURNING attempt.id, attempt.owner, attempt.integration, attempt.subscriber_id, attempt.context_keys,
            attempt.link_id
    ), older AS (
        UPDATE attempt o SET
            status = CASE WHEN o.status IN ('granted', 'failed') THEN 'failed' ELSE 'connected' END,
            reason = CASE WHEN o.status IN ('granted', 'failed') THEN 'superseded'
                WHEN o.status = 'connected' THEN 'replaced' END,
            detail = '', sealed = NULL,
            connection = CASE o.status WHEN 'awaiting_approval' THEN %(identifier)s ELSE o.connection END,
            workspace_id = CASE o.status WHEN 'awaiting_approval' THEN %(workspace_id)s
                ELSE o.workspace_id END,
            workspace_name = CASE o.status WHEN 'awaiting_approval' THEN %(workspace_name)s
                ELSE o.workspace_name END,
            app_id = CASE o.status WHEN 'awaiting_approval' THEN %(app_id)s ELSE o.app_id END,
            timeline = o.timeline || CASE
                WHEN o.status IN ('granted', 'failed') THEN event('failed', 'superseded')
                WHEN o.status = 'connected' THEN event('replaced', %(workspace_name)s)
                ELSE event('connected', %(workspace_name)s) END
        FROM newest WHERE o.owner = newest.owner AND o.id <> newest.id AND (
            o.status = 'awaiting_approval' AND o.link_expires_at > now()
            OR o.status IN ('granted', 'failed') AND o.sealed IS NOT NULL AND o.grant_order < newest.grant_order
            OR o.status = 'connected' AND o.reason IS NULL AND o.workspace_id <> %(workspace_id)s
                AND coalesce(o.grant_order, 0) < newest.grant_order)
        RETURNING o.id
    ), made AS (
        INSERT INTO connection (owner, identifier, integration, subscriber_id, context_keys, workspace_id,
            workspace_name, app_id, installer_id, attempt_id, link_id, is_shared, connected_at, state, since)
        SELECT m.owner, %(identifier)s, m.integration, m.subscriber_id, m.context_keys, %(workspace_id)s,
            %(workspace_name)s, %(app_id)s, %(installer_id)s, m.id, m.link_id, %(is_shared)s, now(), 'working', now()
        FROM moved m JOIN newest ON newest.id = m.id
        ON CONFLICT (owner) DO UPDATE SET
            identifier = excluded.identifier,
            subscriber_id = coalesce(excluded.subscriber_id, connection.subscriber_id),
            workspace_id = excluded.workspace_id,
            workspace_name = excluded.workspace_name, app_id = excluded.app_id,
            installer_id = excluded.installer_id, attempt_id = excluded.attempt_id,
            link_id = excluded.link_id, connected_at = excluded.connected_at, state = 'working', reason = NULL,
            since = CASE WHEN connection.state = 'working' THEN connection.since ELSE now() END,
            reconnect_link = NULL, removed_at = NULL, missing_scopes = '{{}}'
        RETURNING owner
    ), looked AS (
        INSERT INTO work AS w (kind, subject, due_at) SELECT 'check', owner, now() + %(check_in)s::interval FROM made
        WHERE %(check_in)s::interval > '0'
        {DUE_SOONER}
    ), words AS ({terms.LEARN}), {{destination}}, kept AS (
        DELETE FROM ending USING newest WHERE ending.owner = newest.owner RETURNING ending.owner
    ), done AS (
        DELETE FROM work USING (
            SELECT 'deliver' AS kind, id FROM moved UNION ALL SELECT 'deliver', id FROM older
            UNION ALL SELECT 'disconnect', owner FROM kept) settled
        WHERE work.kind = settled.kind AND work.subject = settled.id
    )
    SELECT FROM moved
"""
_CONNECT_ONLY: Final = _connect(_MOVED_ON, _REMOVED)
_CONNECT_WISHED: Final = _connect(_WISHED, _REMOVED)
_CONNECT_TOLD: Final = _connect(_MOVED_ON, _TOLD)


def statement(made: Made) -> tuple[Frequent, dict[str, Any]]:
    """What to run, and the values that come from what was made."""
    values = {
        **terms.parameters(terms.of_workspace(made.workspace)),
        **workspace_columns(made.workspace, made.app_id, made.installer_id),
        "identifier": made.identifier,
    }
    if made.wish:
        return _CONNECT_WISHED, {**values, "wish": made.wish.to_json(), "wish_wait": WISH_SAFETY_NET}
    if made.refused:
        return _CONNECT_TOLD, {**values, "event": "destination_refused", "event_detail": made.refused}
    return _CONNECT_ONLY, values


def workspace_columns(workspace: Workspace, app_id: str | None, installer_id: str | None) -> dict[str, Any]:
    return {
        "workspace_id": workspace.id,
        "workspace_name": workspace.name,
        "app_id": app_id,
        "installer_id": installer_id,
    }
