import type { Manifest, Resource } from "@mcpctl/shared/kinds/kind.ts";
import type { Repositories } from "../repositories/interfaces.ts";
import type { RbacState } from "../services/rbac.service.ts";
import type { RequestContext } from "../services/request-context.ts";

/** What a hook may look at; all of it inside the transaction of the write. */
export interface HookScope {
  repositories: Repositories;
  rbac: RbacState;
  context: RequestContext;
}

/** The rules of one kind that no schema can express. Most kinds have none. */
export interface KindHooks<R extends Resource = Resource> {
  /** Brings a valid manifest into the one form that is stored. */
  normalize?(manifest: Manifest<R["spec"]>): Manifest<R["spec"]>;
  /** @throws {McpctlError} `invalid`, or `forbidden` when the write lends power that the writer lacks. */
  beforeWrite?(scope: HookScope, manifest: Manifest<R["spec"]>, current: R | undefined): Promise<void>;
  /** Deletes what must not outlive the resource. */
  beforeDelete?(scope: HookScope, resource: R): Promise<void>;
  /** Completes what is stored with what is known only when reading. */
  complete?(repositories: Repositories, resources: readonly R[]): Promise<R[]>;
}
