import * as z from "zod";

const pattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\s]+$/, "must not contain white space");

/** Which tools of a server or a project may be seen and called; one policy decides both. */
export const toolPolicy = z
  .strictObject({
    allow: z
      .array(pattern)
      .max(1_000)
      .optional()
      .describe("Only these tools. * stands for any characters. Absent means all."),
    deny: z.array(pattern).max(1_000).default([]).describe("Never these tools; wins over allow."),
  })
  .prefault({})
  .describe("Tools that may be seen and called, by the names that the server gives them.");

export type ToolPolicy = z.output<typeof toolPolicy>;

/** Whether a tool may be seen and called under a policy. Deny wins; no `allow` means all. */
export function isToolAllowed({ allow, deny }: ToolPolicy, tool: string): boolean {
  if (deny.some((p) => matchesPattern(p, tool))) return false;
  return allow === undefined || allow.some((p) => matchesPattern(p, tool));
}

/** Linear in the length of the name for every pattern: a user's `*` must not be able to stall the gateway. */
function matchesPattern(wildcard: string, name: string): boolean {
  const [first = "", ...rest] = wildcard.split("*");
  if (rest.length === 0) return wildcard === name;
  const last = rest.pop() ?? "";
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
