import type { DiscoveredServer, Discovery, Introspection } from "@mcpctl/shared/api/contracts.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { OpenedAs } from "../projects/upstream-pool.ts";

/**
 * What the gateway asks of mcpd. Over HTTP it is `http-control-plane.ts`; where both run in one process, the
 * composition root answers by function calls.
 */
export interface ControlPlane {
  /**
   * Says what a token is. `{ active: false }` for unknown, expired and revoked alike.
   *
   * @throws {McpctlError} any code; every failure means that the token could not be checked.
   */
  introspect(bearer: string): Promise<Introspection>;

  /**
   * Says what a project consists of. `bearer` is the caller's token or the gateway's own credential; it is undefined
   * only where the gateway serves without authentication.
   *
   * @throws {McpctlError} `not-found` and `forbidden` end the project here; any other code means that mcpd could not
   *   be asked.
   */
  discover(project: string, bearer: string | undefined): Promise<Discovery>;

  /**
   * Makes a connection to a discovered server, without dialling yet. Each call gives a handle of its own: closing one
   * disturbs no other, even where both lead to the same process.
   */
  openUpstream(server: DiscoveredServer, as: OpenedAs): Upstream;

  /**
   * Follows changes of tokens and rights, as whoever the bearer stands for.
   *
   * @param onChange - called when what was introspected may no longer hold; at first as soon as the changes are followed.
   * @returns when they are no longer followed.
   * @throws {McpctlError} any code.
   */
  followIdentity(bearer: string | undefined, onChange: () => void, signal: AbortSignal): Promise<void>;

  /**
   * Asks whether mcpd can answer at all.
   *
   * @throws {McpctlError} any code; every failure means that it cannot.
   */
  ping(): Promise<void>;
}
