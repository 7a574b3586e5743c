// Types of the element that v1.js defines.

export type SlackConnectState = "none" | "pending" | "awaiting_approval" | "working" | "broken";

export interface SlackConnectStatus {
  /** How the owner stands. */
  readonly state: SlackConnectState;
  /** What the owner is connected to; also while that is broken. */
  readonly workspace: { readonly name: string } | null;
  /** Why it is broken, why an attempt came to nothing, or why the connection has ended. */
  readonly reason: string | null;
  /** The owner's newest attempt: its support code. */
  readonly attemptId: string | null;
}

export type SlackConnectChangeEvent = CustomEvent<SlackConnectStatus>;
/** The status token has expired: set a new one. */
export type SlackConnectExpiredEvent = CustomEvent<Record<string, never>>;

export interface SlackConnectAttributes {
  "status-token"?: string;
  "link-url"?: string;
  "add-text"?: string;
  "pending-text"?: string;
  "waiting-text"?: string;
  /** `{workspace}` stands for the workspace's name, here and in `broken-text`. */
  "connected-text"?: string;
  "broken-text"?: string;
  "reconnect-text"?: string;
}

export interface SlackConnectElement extends HTMLElement {
  statusToken: string | null;
  linkUrl: string | null;
  /** What was heard last; null before the first answer. */
  readonly status: SlackConnectStatus | null;
}

declare global {
  interface HTMLElementTagNameMap {
    "slack-connect": SlackConnectElement;
  }
  interface HTMLElementEventMap {
    "slack-connect:change": SlackConnectChangeEvent;
    "slack-connect:expired": SlackConnectExpiredEvent;
  }
}
