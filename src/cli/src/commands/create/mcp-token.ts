import { parseTtl } from "@mcpctl/shared/duration.ts";
import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import { projectFlag, requireProject, usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { toManifest } from "../../create-object.ts";
import { parseRoleBinding } from "../rbac-bindings.ts";

export const createMcpTokenCommand = defineCommand({
  description:
    "Prints the token alone on standard output, this once: mcpd keeps only its hash. " +
    "The token opens the MCP endpoint of its project; --rbac clone or --bind give it rights beyond that, never more " +
    "than yours, now or later.",
  examples: [
    "mcpctl create mcptoken agent -p demo --ttl 30d",
    "TOKEN=$(mcpctl create mcptoken ci -p demo)",
    "mcpctl create mcptoken viewer -p demo --bind role:view,resource:servers --bind action:logs",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the token, unique in its project." } },
  flags: {
    project: projectFlag,
    ttl: { type: "string", placeholder: "30d|never|TIME", description: "When it ends (default: never)." },
    rbac: {
      type: "choice",
      choices: ["empty", "clone"],
      description: "Rights besides its project's endpoint: none (the default), or yours as they are now.",
    },
    bind: {
      type: "strings",
      placeholder: "KEY:VALUE,...",
      description: "A right, written as in create rbac --roleBindings. May be repeated.",
    },
  },

  async run({ io, api, config }, { name, project, ttl, rbac, bind }) {
    if (ttl !== undefined) parseTtl(ttl);
    const owner = requireProject(project ?? config.project, mcpTokens.singular);
    const rights = rightsOf(rbac, bind);
    const manifest = toManifest({ kind: mcpTokens, name, project: owner, spec: { ttl, ...rights } });
    const { resource, token } = await (await api()).createMcpToken(manifest);
    const end = resource.status?.expiresAt;
    io.err(
      `mcptoken/${name} created in project ${owner}; it ${end === undefined ? "does not expire" : `ends at ${end}`}.`,
    );
    io.err("This is the only time that it is shown:");
    io.out(token);
  },
});

function rightsOf(rbac: "empty" | "clone" | undefined, bind: readonly string[]) {
  if (bind.length === 0) return { rbac: rbac ?? "empty" };
  if (rbac !== undefined) {
    throw usageError(`--rbac ${rbac} and --bind exclude each other`, "Leave --rbac away to give just what --bind says");
  }
  return { rbac: "explicit", roleBindings: bind.map(parseRoleBinding) };
}
