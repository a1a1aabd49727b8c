import type { Caller } from "../auth/principal.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Project } from "../projects/project.ts";
import type { Accepted } from "./accept.ts";

/** A POST of an authenticated caller, before it is known what it says. */
export interface IncomingCall {
  readonly exchange: ServerExchange;
  readonly caller: Caller;
  readonly project: Project;
  readonly accepted: Accepted;
  /** Length of the body. */
  readonly requestBytes: number;
}
