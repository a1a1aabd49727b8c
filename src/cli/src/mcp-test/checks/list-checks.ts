import { RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { type Check, noneOf, ok, type Outcome, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { LIST_KINDS, type Listing, type ListKind, LISTS, walkList } from "../listing.ts";
import { describeAnswer, findErrorCode, type JsonObject } from "../rpc.ts";

const PAGINATION = "MCP server/utilities/pagination";
const TOOLS = "MCP server/tools";
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** What each item of a list must have, as strings or, with a brace, as an object. */
const MEMBERS: Readonly<Record<ListKind, readonly string[]>> = {
  tools: ["name", "inputSchema{"],
  prompts: ["name"],
  resources: ["uri", "name"],
  templates: ["uriTemplate", "name"],
};

function offeredKinds({ capabilities }: Peer): ListKind[] {
  return LIST_KINDS.filter((kind) => capabilities[LISTS[kind].capability] !== undefined);
}

/** Judges every list that could be read; whether it can be read is a check of its own. */
async function judgeLists(
  peer: Peer,
  judge: (listing: Listing, kind: ListKind) => readonly string[],
): Promise<Outcome> {
  const kinds = offeredKinds(peer);
  if (kinds.length === 0) return skip("the server offers no lists");
  const found: string[] = [];
  for (const kind of kinds) {
    const faults = judge(await peer.listing(kind), kind);
    found.push(...faults.map((fault) => `${LISTS[kind].method}: ${fault}`));
  }
  return noneOf(found);
}

/** Judges the tools, where there are any. */
export async function judgeTools(peer: Peer, judge: (tools: readonly JsonObject[]) => Outcome | Promise<Outcome>) {
  if (peer.capabilities["tools"] === undefined) return skip("the server has no tools");
  const { items, fault } = await peer.listing("tools");
  if (fault !== undefined) return skip("tools/list cannot be read");
  return items.length === 0 ? skip("the server lists no tool") : judge(items);
}

export function labelOf(item: JsonObject, at: number): string {
  const { name, uri, uriTemplate } = item;
  const label = name ?? uri ?? uriTemplate;
  return typeof label === "string" ? `"${label}"` : `item ${at + 1}`;
}

function missingMembers(item: JsonObject, kind: ListKind): string[] {
  return MEMBERS[kind].filter((member) => {
    const value = item[member.replace("{", "")];
    return member.endsWith("{") ? typeof value !== "object" || value === null : typeof value !== "string";
  });
}

const READING_CHECKS: readonly Check<Peer>[] = [
  {
    id: "lists",
    title: "Lists that the capabilities promise can be read",
    severity: "error",
    reference: "MCP server",
    run: (peer) => judgeLists(peer, ({ fault }) => (fault === undefined ? [] : [fault])),
  },
  {
    id: "pagination",
    title: "Cursors lead from the first page to the last",
    severity: "error",
    reference: PAGINATION,
    run: (peer) => judgeLists(peer, ({ pagingFault }) => (pagingFault === undefined ? [] : [pagingFault])),
  },
  {
    id: "bad-cursor",
    title: "A cursor that the server never gave is refused with -32602",
    severity: "warning",
    reference: PAGINATION,
    async run(peer) {
      const [kind] = offeredKinds(peer);
      if (kind === undefined) return skip("the server offers no lists");
      const answer = await peer.send({ method: LISTS[kind].method, params: { cursor: "mcpctl-test-none" } });
      return findErrorCode(answer) === RPC.invalidParams ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
  {
    id: "item-fields",
    title: "Every listed item has the members that it must have",
    severity: "error",
    reference: "MCP server",
    run: (peer) =>
      judgeLists(peer, ({ items }, kind) =>
        items.flatMap((item, at) => {
          const missing = missingMembers(item, kind).map((member) => member.replace("{", ""));
          return missing.length === 0 ? [] : [`${labelOf(item, at)} lacks ${missing.join(", ")}`];
        }),
      ),
  },
];

/** Names of the tools as they are read now, against those of the list that all checks judge. */
async function readAgain(peer: Peer, judge: (before: string[], now: string[]) => Outcome): Promise<Outcome> {
  return judgeTools(peer, async (tools) => {
    const again = await walkList("tools", peer.send);
    if (again.fault !== undefined) return violated(`the second time: ${again.fault}`);
    return judge(tools.map(labelOf), again.items.map(labelOf));
  });
}

const ORDER_CHECKS: readonly Check<Peer>[] = [
  {
    id: "list-stable",
    title: "tools/list has the same tools when it is asked again",
    severity: "error",
    reference: TOOLS,
    run: (peer) =>
      readAgain(peer, (before, now) => {
        const [old, latest] = [new Set(before), new Set(now)];
        return noneOf([
          ...[...old].filter((name) => !latest.has(name)).map((name) => `${name} was gone`),
          ...[...latest].filter((name) => !old.has(name)).map((name) => `${name} was new`),
        ]);
      }),
  },
  {
    id: "list-order",
    title: "tools/list has the same order when it is asked again",
    severity: "warning",
    reference: `${TOOLS}, Listing Tools`,
    run: (peer) =>
      readAgain(peer, (before, now) => {
        const common = before.filter((name) => now.includes(name));
        const moved = now.filter((name) => before.includes(name)).find((name, at) => name !== common[at]);
        return moved === undefined ? ok() : violated(`${moved} stands elsewhere`);
      }),
  },
];

const NAME_CHECKS: readonly Check<Peer>[] = [
  {
    id: "tool-names",
    title: "Names of tools have 1 to 128 letters, digits, _, - and .",
    severity: "warning",
    reference: `${TOOLS}, Tool Names`,
    run: (peer) =>
      judgeTools(peer, (tools) => {
        const names = tools.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
        return noneOf(names.filter((name) => !NAME.test(name)).map((name) => JSON.stringify(name)));
      }),
  },
  {
    id: "tool-names-unique",
    title: "No two tools have the same name",
    severity: "error",
    reference: `${TOOLS}, Tool Names`,
    run: (peer) =>
      judgeTools(peer, (tools) => {
        const names = tools.map(labelOf);
        return noneOf([...new Set(names.filter((name, at) => names.indexOf(name) !== at))]);
      }),
  },
];

/** What holds of lists in every revision. */
export const LIST_CHECKS: readonly Check<Peer>[] = [...READING_CHECKS, ...ORDER_CHECKS, ...NAME_CHECKS];
