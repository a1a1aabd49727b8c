import { isRecord, type Params } from "../protocol/client-message.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Exchange, Method } from "./exchange.ts";
import type { Forward } from "./forward.ts";
import { requireExposed } from "./require-exposed.ts";

/**
 * Makes the method `completion/complete`, which is answered by whoever has the prompt or template.
 *
 * @see MCP 2026-07-28, server/utilities/completion
 */
export function createComplete(forward: Forward): Method {
  return async (exchange) => {
    const { ref, argument, _meta, ...rest } = exchange.params;
    if (!isRecord(ref)) throw invalidParams("params.ref is no object");
    if (!isRecord(argument)) throw invalidParams("params.argument is no object");
    const { source, own } = await findReferred(exchange, ref);
    return forward(exchange, {
      source,
      method: "completion/complete",
      params: { ...rest, ref: { ...ref, ...own }, argument },
      subject: "the completion",
    });
  };
}

interface Referred {
  source: ProjectServer;
  /** What the reference is for the server. */
  own: Params;
}

async function findReferred({ project }: Exchange, ref: Params): Promise<Referred> {
  const { type, name, uri } = ref;
  if (type === "ref/prompt" && typeof name === "string") {
    const prompt = await requireExposed(project, "prompts", name);
    return { source: prompt.source, own: { name: prompt.name } };
  }
  if (type === "ref/resource" && typeof uri === "string") {
    if (!project.view().resources.templateOwner(uri) && !project.isSettled) await project.settled();
    const { resources } = project.view();
    // Arguments of a resource without a template are completed by whoever has it.
    const owner = resources.templateOwner(uri) ?? resources.ownersOf(uri)[0];
    if (owner) return { source: owner.source, own: { uri: owner.uri } };
    throw invalidParams("Unknown resource template");
  }
  throw invalidParams("params.ref names neither a prompt nor a resource");
}
