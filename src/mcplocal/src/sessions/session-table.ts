import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientCapabilities, ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import type { Principal } from "../auth/principal.ts";
import { Questions } from "./questions.ts";
import { makeSessionId, readSessionId, type SessionStart } from "./session-id.ts";

const IDLE_MS = 1_800_000;
const MAX_SESSIONS = 20_000;
const MAX_SESSIONS_PER_TOKEN = 2_000;
const MAX_REMEMBERED = 20_000;

/** Something of a session that must end with it, such as an open stream. */
interface Closable {
  close(): void;
}

/** A conversation with a client that began with `initialize`. It authenticates nobody: it belongs to one token. */
export interface Session {
  readonly id: string;
  readonly sha: string;
  readonly project: string;
  readonly protocolVersion: string;
  /** Requests under way, so that the client can cancel them. */
  readonly running: Map<RequestId, AbortController>;
  /** Open streams, oldest first. */
  readonly streams: Closable[];
  /** What the lists were when the client last read them. */
  readonly listedDigests: Partial<Record<ListKind, string>>;
  /** What the client can be asked for; undefined when that is nothing. */
  readonly capabilities: ClientCapabilities | undefined;
  /** What servers have asked the client. */
  readonly questions: Questions;
  /** Resources of which the client wants to know when they change, and what ends that. */
  readonly subscriptions: Map<string, () => void>;
  /** Least level of log messages that the client asked for. */
  logLevel: string | undefined;
  usedAt: number;
}

/** What a client asks for when it opens a session. */
interface SessionRequest extends Pick<SessionStart, "capabilities"> {
  requestedVersion: string;
}

/** The sessions of all clients, each found only by the token and the project that it was opened with. */
export class SessionTable {
  readonly #now: () => number;
  /** Least recently opened first. */
  readonly #sessions = new Map<string, Session>();
  readonly #perToken = new Map<string, number>();
  /** Ids of sessions that must not come back, oldest first. */
  readonly #ended = new Set<string>();

  /** @param now monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(principal: Principal, { requestedVersion, capabilities }: SessionRequest): Session {
    const start = { protocolVersion: negotiate(requestedVersion), capabilities };
    return this.#add(makeSessionId(principal, start), principal, start);
  }

  /**
   * Finds a session, also one that another replica or an earlier process has opened.
   *
   * @returns undefined for a session that never was, has ended, or is another's.
   */
  find(id: string, principal: Principal): Session | undefined {
    const session = this.#sessions.get(id) ?? this.#revive(id, principal);
    if (session?.sha !== principal.sha || session.project !== principal.project) return undefined;
    session.usedAt = this.#now();
    return session;
  }

  #revive(id: string, principal: Principal): Session | undefined {
    const start = this.#ended.has(id) ? undefined : readSessionId(id, principal);
    return start && this.#add(id, principal, start);
  }

  #add(id: string, { sha, project }: Principal, { protocolVersion, capabilities }: SessionStart): Session {
    this.#makeRoom(sha);
    const session: Session = {
      id,
      sha,
      project,
      protocolVersion,
      running: new Map(),
      streams: [],
      listedDigests: {},
      capabilities,
      questions: new Questions(),
      subscriptions: new Map(),
      logLevel: undefined,
      usedAt: this.#now(),
    };
    this.#sessions.set(session.id, session);
    this.#perToken.set(sha, (this.#perToken.get(sha) ?? 0) + 1);
    return session;
  }

  /** Ends a session for good. */
  end(session: Session): void {
    this.#ended.add(session.id);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_REMEMBERED) break;
      this.#ended.delete(oldest);
    }
    this.#drop(session);
  }

  #drop(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    const left = (this.#perToken.get(session.sha) ?? 1) - 1;
    if (left === 0) this.#perToken.delete(session.sha);
    else this.#perToken.set(session.sha, left);
    session.questions.end();
    for (const end of session.subscriptions.values()) end();
    session.subscriptions.clear();
    for (const call of session.running.values()) call.abort();
    for (const stream of session.streams) stream.close();
  }

  endOfToken(sha: string): void {
    for (const session of this.#sessions.values()) if (session.sha === sha) this.end(session);
  }

  /** Forgets what nobody has used for half an hour. Should its client come back, it finds the session as it left it. */
  sweep(): void {
    const oldest = this.#now() - IDLE_MS;
    for (const session of this.#sessions.values()) {
      const isBusy = session.streams.length > 0 || session.running.size > 0;
      if (!isBusy && session.usedAt < oldest) this.#drop(session);
    }
  }

  /** A token that opens too many sessions loses its own oldest before it costs anybody else theirs. */
  #makeRoom(sha: string): void {
    const isGreedy = (this.#perToken.get(sha) ?? 0) >= MAX_SESSIONS_PER_TOKEN;
    if (!isGreedy && this.#sessions.size < MAX_SESSIONS) return;
    for (const session of this.#sessions.values()) {
      if (isGreedy && session.sha !== sha) continue;
      this.#drop(session);
      return;
    }
  }
}

/** @see MCP 2025-11-25, basic/lifecycle, "Version Negotiation" */
function negotiate(requested: string): string {
  return LEGACY_VERSIONS.find((version) => version === requested) ?? LATEST_LEGACY_VERSION;
}
