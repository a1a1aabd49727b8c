import type { ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";

const object = z.looseObject({});
const described = {
  title: z.string().optional(),
  description: z.string().optional(),
  icons: z.array(object).optional(),
  _meta: object.optional(),
};
const name = z.string().min(1).max(1_024);
const address = z.string().min(1).max(8_192);

const tool = z.looseObject({
  ...described,
  name,
  inputSchema: z.looseObject({ type: z.literal("object") }),
  outputSchema: object.optional(),
  annotations: object.optional(),
  execution: object.optional(),
});

const prompt = z.looseObject({
  ...described,
  name,
  arguments: z.array(z.looseObject({ name: z.string() })).optional(),
});

const resourceBase = {
  ...described,
  name: z.string(),
  mimeType: z.string().optional(),
  annotations: object.optional(),
};
const resource = z.looseObject({ ...resourceBase, uri: address, size: z.number().optional() });
const resourceTemplate = z.looseObject({ ...resourceBase, uriTemplate: address });

/** One kind of thing that servers list. */
export interface ListedKind {
  method: string;
  /** Member of the result that holds the list. */
  member: string;
  /** Capability of a server that has such a list, and what its notifications of changes are named by. */
  capability: ListKind;
  /** Member of an entry that identifies it within its server. */
  key: string;
  /** What a client would refuse the whole list for, if one entry were not like this. */
  schema: z.ZodType<Record<string, unknown>>;
  /** Member that clients with sessions accept in this form alone. @see MCP 2025-11-25, server/tools, "Output Schema" */
  legacyObject?: string;
}

export const LISTED = {
  tools: {
    method: "tools/list",
    member: "tools",
    capability: "tools",
    key: "name",
    schema: tool,
    legacyObject: "outputSchema",
  },
  prompts: { method: "prompts/list", member: "prompts", capability: "prompts", key: "name", schema: prompt },
  resources: { method: "resources/list", member: "resources", capability: "resources", key: "uri", schema: resource },
  resourceTemplates: {
    method: "resources/templates/list",
    member: "resourceTemplates",
    capability: "resources",
    key: "uriTemplate",
    schema: resourceTemplate,
  },
} as const satisfies Record<string, ListedKind>;

export type ListName = keyof typeof LISTED;

export const LIST_NAMES = ["tools", "prompts", "resources", "resourceTemplates"] as const satisfies ListName[];
