import { accessReview, API, type Whoami, whoamiResponse } from "@mcpctl/shared/api/contracts.ts";
import type { AskMcpd } from "./ask-mcpd.ts";

/** What mcpd says of whoever a bearer stands for. */
export interface Account {
  /** @throws {McpctlError} `unauthenticated`, and what `AskMcpd` throws. */
  whoami(bearer: string): Promise<Whoami>;
  /** Whether tool calls may be recorded in the audit trail on its behalf. @throws {McpctlError} the same. */
  mayShip(bearer: string): Promise<boolean>;
}

export function createAccount(ask: AskMcpd): Account {
  return {
    whoami: (bearer) => ask(API.whoami, whoamiResponse, bearer),
    mayShip: async (bearer) => (await ask(`${API.canI}?verb=run&resource=ship-audit`, accessReview, bearer)).allowed,
  };
}
