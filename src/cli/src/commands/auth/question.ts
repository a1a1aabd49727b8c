import type { AccessQuestion } from "@mcpctl/shared/api/client.ts";
import { usageError } from "../../args.ts";
import type { FlagSpec, PositionalSpec } from "../../command.ts";

export const questionPositionals = {
  verb: { label: "VERB", description: "get, list, watch, create, update, delete, use, grant; run for an action." },
  resource: { label: "RESOURCE", description: "A kind in any form, * for all, or an action such as logs." },
  name: { label: "NAME", description: "One object of the kind." },
} as const satisfies Record<string, PositionalSpec>;

export const asFlag = {
  type: "string",
  placeholder: "KIND:NAME",
  description: "Ask about User:NAME or McpToken:PROJECT/NAME instead; needs the action impersonate.",
} as const satisfies FlagSpec;

interface QuestionInput {
  verb: string | undefined;
  resource: string | undefined;
  name: string | undefined;
  as: string | undefined;
}

/** @throws {McpctlError} `invalid` when verb or resource is missing. */
export function toQuestion({ verb, resource, name, as }: QuestionInput): AccessQuestion {
  if (verb !== undefined && resource !== undefined) return { verb, resource, name, as };
  throw usageError("VERB and RESOURCE are needed", "For example: mcpctl auth can-i create servers");
}
