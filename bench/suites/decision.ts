import { generateToken } from "@mcpctl/shared/tokens/index.ts";
import { createAuthenticator } from "../../src/mcplocal/src/auth/authenticator.ts";
import { NOTHING_SEEN } from "../../src/mcplocal/src/projects/server-catalogue.ts";
import { createProjectView } from "../../src/mcplocal/src/projects/project-view.ts";
import type { Row } from "../measure/rows.ts";
import type { Suite } from "./suite.ts";

const TOKENS = 1_000;
const TOOLS = 1_000;
const DECISIONS = 100_000;

/** Who asks, and whether the tool is one that the project lets it call: what every call pays for its authorization. */
export const decision: Suite = {
  name: "decision",
  async run({ rounds }) {
    const decide = await prepare();
    const rows: Row[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const startedAt = performance.now();
      for (let at = 0; at < DECISIONS; at += 1) decide(at);
      const microseconds = ((performance.now() - startedAt) * 1_000) / DECISIONS;
      rows.push({ suite: "decision", case: "token and tool", target: "gateway", round, values: { microseconds } });
    }
    return rows;
  },
};

/** @returns a function that decides about one call and throws when it is not allowed. */
async function prepare(): Promise<(at: number) => void> {
  const introspect = async () => ({ active: true, name: "t", project: "p", sha: "", creator: "u" }) as const;
  const now = () => performance.now();
  const authenticator = createAuthenticator({ introspect, now, graceSeconds: 30, onCheckFailed() {} });
  const headers = Array.from({ length: TOKENS }, () => `Bearer ${generateToken().raw}`);
  for (const header of headers) await authenticator.authenticate(header);
  const names = Array.from({ length: TOOLS }, (_, at) => `tool-${at}`);
  const view = createProjectView({ name: "p", naming: "prefix", proxyModel: "default", tools: { deny: [] } }, [
    {
      source: {},
      name: "s",
      policy: { deny: ["tool-0"] },
      ...NOTHING_SEEN,
      lists: { ...NOTHING_SEEN.lists, tools: names.map((name) => ({ name, rest: "}", legacyRest: undefined })) },
      fault: undefined,
    },
  ]);
  return (at) => {
    const caller = authenticator.findCached(headers[at % TOKENS]);
    const tool = view.find("tools", `s__tool-${1 + (at % (TOOLS - 1))}`);
    if (!caller || !tool) throw new Error("the call is not allowed");
  };
}
