import { fileURLToPath } from "node:url";
import type { Kind } from "../../src/shared/src/kinds/kind.ts";
import { groups } from "../../src/shared/src/kinds/groups.ts";
import { mcpTokens } from "../../src/shared/src/kinds/mcp-tokens.ts";
import { projects } from "../../src/shared/src/kinds/projects.ts";
import { servers } from "../../src/shared/src/kinds/servers.ts";
import { users } from "../../src/shared/src/kinds/users.ts";
import { type Operation, PREFIX, type SentManifest, TAG } from "./ledger.ts";
import type { Random } from "./random.ts";

/** Kinds that the ledger speaks of. */
export const WRITTEN_KINDS: readonly Kind[] = [groups, projects, servers, users, mcpTokens];

/** Few names, so that clients meet each other on them. */
const NAMES = ["w-0", "w-1", "w-2", "w-3"] as const;
const KINDS: readonly Kind[] = [groups, projects, servers, users];
const MANAGERS = ["ada", "ben", "cleo"] as const;

/** A server that ignores SIGTERM, with a child in its group and one that left it: it makes orphans where it can. */
const STUBBORN = `${PREFIX}stubborn`;
/** A server that is replaced again and again. */
const LIVE = `${PREFIX}live`;

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url));

/** What is written once, before the first round. */
export function planServers(): Operation[] {
  const env = [{ name: "STDIO_STRAY", value: "1" }];
  const stubborn = { command: process.execPath, args: [fixture("stdio-stubborn")], env };
  const id = "setup-stubborn";
  return [
    { id, verb: "create", kind: servers, object: { name: STUBBORN }, manifest: whole(servers, STUBBORN, id, stubborn) },
    planReplacement("setup-live"),
  ];
}

/** Plans the next write of a client. */
export function planOperation(random: Random, id: string): Operation {
  const dice = random.int(1, 100);
  const kind = random.pick(KINDS);
  const object = { name: random.pick(NAMES) };
  if (dice <= 18) return planWhole("create", kind, { random, id, object });
  if (dice <= 38) return planWhole("update", kind, { random, id, object });
  if (dice <= 62) return planApply(kind, { random, id, object });
  if (dice <= 72) return planLabels(kind, { random, id, object });
  if (dice <= 79) return { id, verb: "delete", kind, object };
  if (dice <= 98) return planToken({ random, id, object: { ...object, project: random.pick(NAMES) } });
  return planReplacement(id);
}

interface Plan {
  random: Random;
  id: string;
  object: { name: string; project?: string };
}

function planWhole(verb: "create" | "update", kind: Kind, { random, id, object }: Plan): Operation {
  const manifest = whole(kind, object.name, id, specOf(kind, id, random));
  manifest.metadata.annotations["note"] = random.hex(random.int(0, 6_000));
  return { id, verb, kind, object, manifest, isForced: random.chance(0.5) };
}

function planApply(kind: Kind, { random, id, object }: Plan): Operation {
  const fieldManager = random.pick(MANAGERS);
  const annotations = { [`${TAG}.${fieldManager}`]: id, [`note.${fieldManager}`]: random.hex(random.int(0, 3_000)) };
  const metadata = { ...object, labels: { [fieldManager]: id }, annotations };
  const manifest = { kind: kind.kind, metadata, spec: specOf(kind, id, random) };
  return { id, verb: "apply", kind, object, manifest, fieldManager, isForced: random.chance(0.7) };
}

function planLabels(kind: Kind, { random, id, object }: Plan): Operation {
  const labels = { shelf: id, colour: random.pick(["red", "green", "blue"]) };
  const metadata = { ...object, labels, annotations: { [`${TAG}.labels`]: id } };
  return {
    id,
    verb: "apply",
    kind,
    object,
    manifest: { kind: kind.kind, metadata },
    fieldManager: "labels",
    isForced: true,
  };
}

function planToken({ random, id, object }: Plan): Operation {
  const verb = random.pick(["mint", "mint", "mint", "revoke", "delete"] as const);
  const kind = mcpTokens;
  if (verb !== "mint") return { id, verb, kind, object };
  const manifest = whole(kind, object.name, id, {});
  return { id, verb, kind, object, manifest: { ...manifest, metadata: { ...manifest.metadata, ...object } } };
}

function planReplacement(id: string): Operation {
  const env = [{ name: "TAG", value: id }];
  const manifest = whole(servers, LIVE, id, { command: process.execPath, args: [fixture("stdio-echo")], env });
  const rest = { fieldManager: "live", isForced: true };
  return { id, verb: "apply", kind: servers, object: { name: LIVE }, manifest, ...rest };
}

function whole(kind: Kind, name: string, id: string, spec: Record<string, unknown>): SentManifest {
  return { kind: kind.kind, metadata: { name, labels: { by: id }, annotations: { [TAG]: id } }, spec };
}

/** Says the id again, beside labels and annotations, so that half a write would show. */
function specOf({ plural }: Kind, id: string, random: Random): Record<string, unknown> {
  switch (plural) {
    case "groups":
      return { members: [id, ...Array.from({ length: random.int(0, 9) }, () => `m${random.hex(6)}`)] };
    case "projects":
      return { description: `${id} ${random.hex(random.int(0, 900))}`, servers: random.chance(0.5) ? [STUBBORN] : [] };
    case "servers":
      return { command: "node", args: [id, random.hex(random.int(0, 3_000))], replicas: 0 };
    default:
      return { displayName: id };
  }
}
