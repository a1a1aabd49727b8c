import type { Introspection, Whoami } from "@mcpctl/shared/api/contracts.ts";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { isMcpToken } from "@mcpctl/shared/tokens/index.ts";
import type { Caller } from "../auth/principal.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";

/** A credential that mcpd refuses is not tried again before this. */
const RETRY_MS = 5_000;

interface LoginDeps {
  /**
   * The bearer as of now: a person may log in again while this runs.
   *
   * @throws {McpctlError} `unauthenticated` when there is none.
   */
  credential(): Promise<string>;
  /** Project that is served; that of the token when absent. */
  project: string | undefined;
  introspect(bearer: string): Promise<Introspection>;
  whoami(bearer: string): Promise<Whoami>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** On whose behalf this process works: a person who has logged in, or a token. */
export class Login {
  readonly #deps: LoginDeps;
  #bearer: string | undefined;
  #refused: { bearer: string; at: number } | undefined;
  #caller: Caller | undefined;
  #asking: Promise<Caller> | undefined;

  constructor(deps: LoginDeps) {
    this.#deps = deps;
  }

  /** The bearer that works, as far as is known; undefined before it was needed. */
  get known(): string | undefined {
    return this.#bearer;
  }

  /** @throws {McpctlError} `unauthenticated` */
  async bearer(): Promise<string> {
    if (this.#bearer !== undefined) return this.#bearer;
    const bearer = await this.#deps.credential();
    const { bearer: refused, at = -Infinity } = this.#refused ?? {};
    if (bearer === refused && this.#deps.now() - at < RETRY_MS) throw ended();
    this.#bearer = bearer;
    return bearer;
  }

  /**
   * Who it is, as mcpd says.
   *
   * @throws {McpctlError} `unauthenticated`; `forbidden` for the credential of a gateway; `unavailable` when mcpd cannot
   *   be asked.
   */
  async caller(): Promise<Caller> {
    const bearer = await this.bearer();
    if (this.#caller?.bearer === bearer) return this.#caller;
    this.#asking ??= this.#identify(bearer).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** Finds out whether the bearer still works, after something has changed that it may depend on. */
  async check(): Promise<void> {
    if (this.#bearer === undefined) return;
    this.#caller = undefined;
    // Whoever needs it next is told why it does not work.
    await this.caller().catch(() => {});
  }

  /** Notes that mcpd does not know the bearer any more; the next one who needs a bearer looks for another. */
  refuse(bearer: string | undefined): void {
    if (bearer === undefined || bearer !== this.#bearer) return;
    this.#refused = { bearer, at: this.#deps.now() };
    this.#bearer = undefined;
    this.#caller = undefined;
  }

  /** Discovers like the control plane, and ends the project at once when the bearer does not work any more. */
  guard(discover: ControlPlane["discover"]): ControlPlane["discover"] {
    return async (project, bearer) => {
      try {
        return await discover(project, bearer);
      } catch (thrown) {
        if (!hasCode(thrown, "unauthenticated")) throw thrown;
        this.refuse(bearer);
        throw new McpctlError("forbidden", "mcpd refuses the credential", { cause: thrown });
      }
    };
  }

  async #identify(bearer: string): Promise<Caller> {
    try {
      const principal = isMcpToken(bearer) ? await this.#token(bearer) : await this.#person(bearer);
      if (!principal) throw ended();
      this.#caller = { principal, bearer };
      return this.#caller;
    } catch (thrown) {
      if (hasCode(thrown, "forbidden")) throw thrown;
      if (!hasCode(thrown, "unauthenticated")) throw silent(thrown);
      this.refuse(bearer);
      throw ended();
    }
  }

  async #token(bearer: string): Promise<Caller["principal"] | undefined> {
    const token = await this.#deps.introspect(bearer);
    if (!token.active) return undefined;
    const { name, project, sha, creator } = token;
    return { name, project, sha, creator };
  }

  async #person(bearer: string): Promise<Caller["principal"]> {
    const { kind, name } = await this.#deps.whoami(bearer);
    if (kind === "User") return { name: "", project: this.#deps.project ?? "", sha: "", creator: name };
    throw new McpctlError("forbidden", "The credential of a gateway is not for clients on STDIO", {
      hint: "Log in with: mcpctl login, or use a token of the project",
    });
  }
}

function ended(): McpctlError {
  return new McpctlError("unauthenticated", "The credential does not work, or not any more", {
    hint: "Log in again with: mcpctl login. Nothing needs to be started anew",
  });
}

function silent(cause: unknown): McpctlError {
  return new McpctlError("unavailable", "It cannot be checked who calls, because mcpd does not answer", {
    hint: "Calls work again as soon as mcpd does",
    cause,
  });
}
