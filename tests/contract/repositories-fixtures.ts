import { createHash } from "node:crypto";
import type { Resource, ResourceRef } from "../../src/shared/src/kinds/kind.ts";
import type { Database, Repositories, ResourceContent } from "../../src/mcpd/src/repositories/interfaces.ts";

/** The database of the running suite, which all its tests share: each uses names of its own. */
export type GetDatabase = () => Database;

let lastNumber = 0;

export function uniqueName(prefix: string): string {
  return `${prefix}-${++lastNumber}`;
}

export function serverRef(name = uniqueName("server")): ResourceRef {
  return { plural: "servers", project: "", name };
}

/** A token of a project of its own: the only kind that belongs to a project. */
export function tokenRef(project: string, name = uniqueName("token")): ResourceRef {
  return { plural: "mcptokens", project, name };
}

export function contentOf(content: Partial<ResourceContent> = {}): ResourceContent {
  return { labels: {}, annotations: {}, managedFields: [], spec: { command: "true" }, ...content };
}

export function insertServer(repositories: Repositories, ref = serverRef(), content = contentOf()): Promise<Resource> {
  return repositories.resources.insert(ref, "Server", content);
}

export function insertUser({ resources }: Repositories, name = uniqueName("user")): Promise<Resource> {
  return resources.insert({ plural: "users", project: "", name }, "User", contentOf({ spec: { disabled: false } }));
}

function insertProject({ resources }: Repositories, name = uniqueName("project")): Promise<Resource> {
  return resources.insert({ plural: "projects", project: "", name }, "Project", contentOf({ spec: { servers: [] } }));
}

export function hexSha(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A token with its project and creator, as minting leaves them. */
export async function insertToken(repositories: Repositories, status: object = {}) {
  const project = await insertProject(repositories);
  const creator = await insertUser(repositories);
  const ref = tokenRef(project.metadata.name);
  const sha = hexSha(ref.name);
  const fullStatus = { phase: "Active", creator: creator.metadata.name, sha, ...status };
  const token = await repositories.resources.insert(
    ref,
    "McpToken",
    contentOf({ spec: { rbac: "empty" } }),
    fullStatus,
  );
  await repositories.mcpTokens.insert({
    uid: token.metadata.uid,
    sha,
    projectUid: project.metadata.uid,
    creatorUid: creator.metadata.uid,
  });
  return { ref, sha, token, project, creator };
}

export function refOf(resource: Resource, plural: string): ResourceRef {
  return { plural, project: resource.metadata.project ?? "", name: resource.metadata.name };
}

/** A promise that somebody else resolves. */
export function createGate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
