import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const entry = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/dist/index.js");

/** The program of the official suite. */
export const SUITE_PROGRAM = entry;

export const REVISIONS = ["2025-11-25", "2026-07-28"] as const;
/** A revision of the protocol, and the frozen set of scenarios that it requires. */
export type Revision = (typeof REVISIONS)[number];

/** Which side of the protocol is tested. */
export type Leg = "server" | "client";

const scenarios = z.array(z.string());
const requirementSet = z.object({
  server: scenarios,
  client: scenarios,
  not_scored: z.array(z.object({ scenario: z.string(), leg: z.enum(["server", "client"]), reason: z.string() })),
});

/** Whether a revision demands a scenario, whether the suite runs it all the same, or whether it is of an extension. */
export type Standing = "scored" | "unscored" | "extension";

/** Reads which scenarios a revision has for one side, and in which order they run. */
export async function readRequirements(revision: Revision, leg: Leg): Promise<Map<string, Standing>> {
  const text = await readFile(join(dirname(entry), "..", "requirements", `${revision}.yaml`), "utf8");
  const required = requirementSet.parse(parse(text));
  const others = required.not_scored.filter((other) => other.leg === leg);
  return new Map<string, Standing>([
    ...required[leg].map((scenario) => [scenario, "scored"] as const),
    ...others.map(({ scenario, reason }) => [scenario, reason === "extension" ? reason : "unscored"] as const),
  ]);
}
