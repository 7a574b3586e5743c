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
        WHERE d.owner = (SELECT owner FROM newest)
            AND (d.workspace_id <> %(workspace_id)s OR d.connection <> %(identifier)s
                OR (SELECT subscriber_id FROM newest)
                    <> (SELECT subscriber_id FROM connection c WHERE c.owner = d.owner)
                OR d.owner = (SELECT owner FROM ending e WHERE e.owner = d.owner))
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
    coalesce((SELECT event('destination_removed', NULL) FROM destination d
              WHERE d.owner = attempt.owner AND d.placed IS NOT NULL AND d.workspace_id <> %(workspace_id)s), '[]')
"""
_TOLD: Final = "event(%(event)s, %(event_detail)s)"


def _connect(destination: str, told: str) -> Frequent:
    return frequent(_CONNECT.replace("{destination}", destination).replace("{told}", told))


_CONNECT: Final = f"""
    WITH moved AS (
        UPDATE attempt SET
            status = 'connected', reason = NULL, detail = '', sealed = NULL, connection = %(identifier)s,
            workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
            installer_id = %(installer_id)s, grant_order = coalesce(grant_order, nextval('grant_order')),
            returned_at = coalesce(returned_at, now() - %(back_for)s), forget_at = now() + %(retention)s,
            timeline = timeline || event('connected', %(workspace_name)s) || {{told}}
        WHERE id = %(id)s AND status IN ('granted', 'started', 'expired')
        RETURNING id, owner, grant_order, integration, subscriber_id, context_keys, link_id, link
    ), held AS (
        INSERT INTO owner AS o (id, settled) SELECT owner, grant_order FROM moved
        ON CONFLICT (id) DO UPDATE SET
            settled = greatest(o.settled, excluded.settled),
            lease = nullif(o.lease, %(lease)s),
            leased_until = CASE WHEN o.lease = %(lease)s THEN NULL ELSE o.leased_until END
        RETURNING id, settled
    ), newest AS (
        SELECT * FROM moved WHERE grant_order = (SELECT settled FROM held)
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
        WHERE o.owner = (SELECT owner FROM newest) AND o.id <> %(id)s AND (
            o.status = 'awaiting_approval' AND o.link_expires_at > now()
            OR o.status IN ('granted', 'failed') AND o.sealed IS NOT NULL
                AND o.grant_order < (SELECT grant_order FROM newest)
            OR o.status = 'connected' AND o.reason IS NULL AND o.workspace_id <> %(workspace_id)s
                AND coalesce(o.grant_order, 0) < (SELECT grant_order FROM newest))
        RETURNING o.id
    ), made AS (
        INSERT INTO connection (owner, identifier, integration, subscriber_id, context_keys, workspace_id,
            workspace_name, app_id, installer_id, attempt_id, link_id, link, is_shared, connected_at, state,
            since)
        SELECT owner, %(identifier)s, integration, subscriber_id, context_keys, %(workspace_id)s,
            %(workspace_name)s, %(app_id)s, %(installer_id)s, id, link_id, link, %(is_shared)s, now(), 'working', now()
        FROM newest
        ON CONFLICT (owner) DO UPDATE SET
            identifier = excluded.identifier,
            subscriber_id = coalesce(excluded.subscriber_id, connection.subscriber_id),
            workspace_id = excluded.workspace_id,
            workspace_name = excluded.workspace_name, app_id = excluded.app_id,
            installer_id = excluded.installer_id, attempt_id = excluded.attempt_id,
            link_id = excluded.link_id, link = excluded.link, connected_at = excluded.connected_at,
            state = 'working', reason = NULL,
            since = CASE WHEN connection.state = 'working' THEN connection.since ELSE now() END,
            reconnect_link = NULL, removed_at = NULL, missing_scopes = '{{}}'
        RETURNING owner
    ), looked AS (
        INSERT INTO work AS w (kind, subject, due_at) SELECT 'check', owner, now() + %(check_in)s::interval FROM made
        WHERE %(check_in)s::interval > '0'
        {DUE_SOONER}
    ), words AS ({terms.LEARN}), {{destination}}, kept AS (
        DELETE FROM ending WHERE owner = (SELECT owner FROM newest) RETURNING owner
    ), done AS (
        DELETE FROM work WHERE kind = 'deliver'
                AND subject = ANY (ARRAY(SELECT id FROM moved UNION ALL SELECT id FROM older))
            OR kind = 'disconnect' AND subject = (SELECT owner FROM kept)
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
