import { type Check, noneOf, type Outcome, skip } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { LIST_KINDS, LISTS } from "../listing.ts";
import type { JsonObject } from "../rpc.ts";

/** Whether a result says for how long and for whom it holds. @see MCP 2026-07-28, server/utilities/caching */
export function isCacheHint(result: JsonObject): Outcome {
  return noneOf(hintFaults(result));
}

function hintFaults({ ttlMs, cacheScope }: JsonObject): string[] {
  const isTime = typeof ttlMs === "number" && Number.isInteger(ttlMs) && ttlMs >= 0;
  const isScope = cacheScope === "public" || cacheScope === "private";
  return [
    ...(isTime ? [] : ["ttlMs is no whole number of at least 0"]),
    ...(isScope ? [] : ["cacheScope is neither public nor private"]),
  ];
}

/** Rules of the results of lists that only the stateless revision has. */
export const MODERN_LIST_CHECKS: readonly Check<Peer>[] = [
  {
    id: "list-cache",
    title: "Every page of a list says for how long and for whom it holds, all for the same",
    severity: "error",
    reference: "MCP 2026-07-28 server/utilities/caching",
    run: (peer) =>
      judgePages(peer, (pages) => {
        const scopes = new Set(pages.map(({ cacheScope }) => cacheScope));
        return [...pages.flatMap(hintFaults), ...(scopes.size > 1 ? ["cacheScope differs between pages"] : [])];
      }),
  },
  {
    id: "result-type",
    title: 'Results of lists say resultType "complete"',
    severity: "error",
    reference: "MCP 2026-07-28 basic, Results",
    run: (peer) =>
      judgePages(peer, (pages) =>
        pages.flatMap(({ resultType }) => (resultType === "complete" ? [] : ['resultType is not "complete"'])),
      ),
  },
];

async function judgePages(peer: Peer, judge: (pages: JsonObject[]) => string[]): Promise<Outcome> {
  const faults: string[] = [];
  let pageCount = 0;
  for (const kind of LIST_KINDS) {
    if (peer.capabilities[LISTS[kind].capability] === undefined) continue;
    const { pages } = await peer.listing(kind);
    pageCount += pages.length;
    const found = new Set(judge(pages.map(({ result }) => result)));
    faults.push(...[...found].map((fault) => `${LISTS[kind].method}: ${fault}`));
  }
  return pageCount === 0 ? skip("there is no list that could be read") : noneOf(faults);
}
