import { setTimeout as sleep } from "node:timers/promises";
import { API } from "../../src/shared/src/api/contracts.ts";
import { createApiClient } from "../../src/shared/src/api/client.ts";
import { createTransport } from "../../src/shared/src/api/client-transport.ts";
import { KINDS } from "../../src/shared/src/kinds/index.ts";
import { descendantsOf, eventually } from "../support/processes.ts";
import { checkObjects, type Listed } from "./check-objects.ts";
import { checkAudit, checkLog, checkTokenRows } from "./check-rows.ts";
import { checkTokens, type IntrospectedToken } from "./check-tokens.ts";
import { checkWatches, isComplete } from "./check-watches.ts";
import { checkWrites } from "./check-writes.ts";
import { toEffects } from "./effects.ts";
import type { Entry, LoggedChange, Violation } from "./ledger.ts";
import { findOrphans, processesOf } from "./orphans.ts";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";
import { type Watcher, watchKind } from "./watcher.ts";
import { planServers } from "./workload.ts";
import { startWriting, write } from "./writer.ts";

const CATCH_UP_MS = 30_000;
/** Reaper, the stubborn server with its two children, and the one that is replaced. */
const PROCESSES = 5;
const PROCESSES_WITHIN_MS = 60_000;
const WRITES_WITHIN_MS = 120_000;

export interface Report {
  rounds: number;
  ledger: Entry[];
  /** Breaks that watches have come over. */
  resumed: number;
  violations: Violation[];
}

/** Kills a control plane under writes, again and again; ends early at the first broken promise. */
export async function runRounds(target: Target, random: Random, rounds: number): Promise<Report> {
  await using watchers = new AsyncDisposableStack();
  const watches = KINDS.map(({ plural }, index) => {
    const form = index % 2 === 0 ? "sse" : "ndjson";
    return watchers.use(watchKind({ plural, form, session: target.program.session }));
  });
  const report: Report = { rounds: 0, ledger: [], resumed: 0, violations: [] };
  const run: Run = { target, watches, ledger: report.ledger };
  for (const operation of planServers()) await write(target.program.session(), operation, run.ledger);
  while (report.rounds < rounds && report.violations.length === 0) {
    report.rounds++;
    report.violations.push(...(await runRound(run, report.rounds, random.fork(`round-${report.rounds}`))));
  }
  report.resumed = watches.reduce((sum, watcher) => sum + watcher.begun() - 1, 0);
  if (report.violations.length === 0) report.violations.push(...(await checkDatabase(run)));
  return report;
}

interface Run {
  target: Target;
  watches: readonly Watcher[];
  ledger: Entry[];
}

async function runRound(run: Run, round: number, random: Random): Promise<Violation[]> {
  const { target, ledger } = run;
  const { program, dataDir } = target;
  const victim = random.pick(target.victims);
  const isMcpdKilled = victim !== "postgresql";
  const stop = startWriting({ session: program.session, ledger, random, name: `write-${target.engine}-${round}` });
  const haveServersStarted = async () => (await descendantsOf(program.pid())).length >= PROCESSES;
  await eventually(haveServersStarted, "servers run", PROCESSES_WITHIN_MS);
  const wanted = acknowledged(ledger) + random.int(10, 60);
  await eventually(async () => acknowledged(ledger) >= wanted, "writes are acknowledged", WRITES_WITHIN_MS);
  await sleep(random.int(0, 50));
  const earlier = isMcpdKilled ? await processesOf({ dataDir, pid: program.pid() }) : [];
  await target.kill(victim);
  // Where mcpd lives on, its clients go on through the outage.
  if (isMcpdKilled) await stop();
  const orphans = isMcpdKilled && random.chance(0.5) ? await findOrphans(earlier, { dataDir }) : [];
  if (isMcpdKilled && random.chance(0.25)) await program.startInVain(random.int(100, 1_500));
  await target.recover(victim);
  await sleep(isMcpdKilled ? 0 : random.int(0, 400));
  await stop();
  orphans.push(...(await findOrphans(earlier, { dataDir, pid: program.pid() })));
  const left = orphans.map((pid): Violation => ({ kind: "orphan", what: `process ${pid} has outlived its mcpd` }));
  return [...left, ...(await checkRound(run))].map(({ kind, what }) => ({
    kind,
    what: `round ${round} (${victim}): ${what}`,
  }));
}

function acknowledged(ledger: readonly Entry[]): number {
  return ledger.filter(({ outcome }) => outcome.answer === "stored").length;
}

async function checkRound(run: Run): Promise<Violation[]> {
  const { watches, ledger, target } = run;
  const { url: baseUrl, token } = target.program.session();
  const api = createApiClient({ baseUrl, token });
  const lists: Listed[] = [];
  for (const kind of KINDS) {
    const { items, metadata } = await api.list(kind);
    lists.push({ kind, version: Number(metadata.resourceVersion), items });
  }
  const versions = lists.flatMap(({ items, version }) => [
    version,
    ...items.map(({ metadata }) => Number(metadata.resourceVersion)),
  ]);
  const latest = Math.max(...versions);
  const seen = watches.map((watcher) => watcher.seen);
  await eventually(async () => isComplete(seen, latest), "watches catch up", CATCH_UP_MS).catch(() => undefined);
  const log = toLog(watches);
  const effects = toEffects(log);
  return [
    ...checkWatches(seen, latest).map(({ kind, what }) => ({ kind, what: `${what}; ${faultsOf(watches)}` })),
    ...checkWrites(ledger, effects),
    ...lists.flatMap((list) => checkObjects(list, log)),
    ...checkTokens(await introspect(run), effects),
  ];
}

function toLog(watches: readonly Watcher[]): LoggedChange[] {
  return watches.flatMap(({ seen }) => seen).toSorted((a, b) => a.version - b.version);
}

function faultsOf(watches: readonly Watcher[]): string {
  return `watches broke off last with ${watches.map(({ plural, lastFault }) => `${plural}: ${lastFault()}`).join(", ")}`;
}

async function introspect({ ledger, target }: Run): Promise<IntrospectedToken[]> {
  const { url: baseUrl } = target.program.session();
  const tokens: IntrospectedToken[] = [];
  for (const entry of ledger) {
    if (entry.outcome.answer !== "stored" || entry.outcome.token === undefined) continue;
    const send = createTransport({ baseUrl, token: entry.outcome.token });
    const { body } = await send({ method: "GET", path: API.introspect });
    tokens.push({ entry, isActive: (body as { active: boolean }).active });
  }
  return tokens;
}

/** Once more with SIGKILL, and now what lies in the database is compared. */
async function checkDatabase({ target, watches, ledger }: Run): Promise<Violation[]> {
  await target.program.kill();
  const rows = await target.rows();
  const effects = toEffects(rows.changes);
  return [
    ...checkLog(rows, toLog(watches)),
    ...checkWrites(ledger, effects),
    ...KINDS.flatMap((kind) => {
      return checkObjects({ kind, version: rows.revision, items: rows.resources.get(kind.plural) ?? [] }, rows.changes);
    }),
    ...checkAudit(ledger, effects, rows.audit),
    ...checkTokenRows(rows.tokens),
  ];
}
