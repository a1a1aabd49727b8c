import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Caller } from "../auth/principal.ts";
import type { Project } from "../projects/project.ts";
import type { ProjectRegistry } from "../projects/project-registry.ts";
import type { Login } from "./login.ts";

/** What every request needs to know: the project, and who asks. */
export interface Access {
  /** @throws {McpctlError} `unauthenticated`, `not-found`, `unavailable`. */
  project(): Promise<Project>;
  /** @throws {McpctlError} `unauthenticated`, `forbidden`, `unavailable`. */
  caller(): Promise<Caller>;
  /** Keeps what is known up to date. To be called about every second. */
  tick(): void;
}

interface AccessDeps {
  login: Login;
  /** Discovers under the guard of the login. */
  projects: ProjectRegistry;
  /** Name of the project; that of the token when absent. */
  project: string | undefined;
}

export function createAccess({ login, projects, project: wanted }: AccessDeps): Access {
  let name = wanted;

  return {
    async project() {
      const bearer = await login.bearer();
      name ??= (await login.caller()).principal.project;
      const known = projects.find(name, bearer);
      if (known) return known;
      try {
        return await projects.load(name, bearer);
      } catch (thrown) {
        if (!hasCode(thrown, "not-found")) throw thrown;
        if (login.known === bearer) throw noProject(name);
        projects.forget(bearer);
        return projects.load(name, await login.bearer());
      }
    },

    caller: () => login.caller(),

    tick() {
      if (name !== undefined && login.known !== undefined) projects.find(name, login.known);
      projects.tick();
    },
  };
}

function noProject(name: string): McpctlError {
  return new McpctlError("not-found", `There is no project "${name}", or you may not use it`, {
    hint: "See which there are with: mcpctl get projects",
  });
}
