import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_SHIPPED_EVENTS, type ShipResponse } from "@mcpctl/shared/api/audit.ts";
import { hasCode } from "@mcpctl/shared/errors.ts";
import type { Log } from "../log.ts";
import {
  CURRENT,
  listFullFiles,
  measureSpool,
  openSpoolFile,
  readPosition,
  type SpoolFile,
  type SpoolPosition,
  writePosition,
} from "./spool.ts";
import { ShipPage, toShipBody } from "./ship-page.ts";

const BATCH_BYTES = 262_144;
const LAST_TRY_MS = 2_000;
/** How much longer it rests than it works: storing a call costs more than serving it, and calls come first. */
const REST_FACTOR = 9;
const MAX_REST_MS = 10_000;

export interface CallShipperOptions {
  /** Of the spool. */
  directory: string;
  /**
   * Has a batch stored: a `shipRequest` as JSON, whose bytes are good until it answers.
   *
   * @throws {McpctlError} `bad-request` when that is no JSON; anything else means that it is to be tried again.
   */
  send(body: Buffer): Promise<ShipResponse>;
  log: Pick<Log, "error" | "warn" | "info">;
  /** Of the spool; the fuller it is, the less the shipping rests. */
  maxSpoolBytes: number;
  /** Pause when there is nothing to ship. */
  idleMs?: number;
  /** Pause after the first failure; it doubles up to a minute. */
  retryMs?: number;
  maxRetryMs?: number;
}

/** Brings the lines of the spool to mcpd, in their order, again and again until they are acknowledged. */
export interface CallShipper {
  /** Ships what is left, as far as that takes no more than moments. */
  close(): Promise<void>;
}

/** Begins at once. Every line has an id, and mcpd stores it once: what is in doubt is sent again. */
export function startCallShipper(options: CallShipperOptions): CallShipper {
  const { directory, log, maxSpoolBytes, idleMs = 1_000, retryMs = 1_000, maxRetryMs = 60_000 } = options;
  const closing = new AbortController();
  const page = new ShipPage(BATCH_BYTES);
  let position: SpoolPosition | undefined;

  /** @returns whether there may be more. */
  async function shipBatch(): Promise<boolean> {
    await using file = await chooseFile(directory, position);
    if (!file) return false;
    const offset = file.head === position?.head ? position.offset : 0;
    const { lines, bytes } = await file.read(offset, page.lines, MAX_SHIPPED_EVENTS);
    if (lines > 0) {
      await send(options, page.toBody(bytes), async () => {
        await file.read(offset, page.lines, lines);
        return page.lines.toString("utf8", 0, bytes - 1).split("\n");
      });
      position = { head: file.head, offset: offset + bytes };
      await writePosition(directory, position);
      return true;
    }
    if (file.isCurrent) return false;
    await rm(join(directory, file.name), { force: true });
    return true;
  }

  async function run(): Promise<void> {
    position = await readPosition(directory);
    for (let failures = 0; !closing.signal.aborted;) {
      const startedMs = performance.now();
      const outcome = await shipBatch().catch((err: unknown) => {
        if (failures === 0) log.warn({ err }, "recorded tool calls cannot be shipped to mcpd; it will be tried again");
        return "failed" as const;
      });
      if (failures > 0 && outcome !== "failed") log.info({}, "recorded tool calls are shipped again");
      failures = outcome === "failed" ? failures + 1 : 0;
      const backOffMs = Math.min(retryMs * 2 ** (failures - 1), maxRetryMs) * (0.5 + Math.random() / 2);
      const restMs =
        failures > 0 ? backOffMs : outcome === true ? await restAfter(performance.now() - startedMs) : idleMs;
      await pause(restMs);
    }
  }

  async function restAfter(workedMs: number): Promise<number> {
    const room = Math.max(0, 1 - (await measureSpool(directory)) / maxSpoolBytes);
    return Math.min(workedMs * REST_FACTOR * room, MAX_REST_MS);
  }

  function pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
      const endMs = performance.now() + LAST_TRY_MS;
      try {
        while (performance.now() < endMs && (await shipBatch()));
      } catch (err) {
        log.warn({ err }, "recorded tool calls are left for the next start");
      }
    },
  };
}

/** The file that is under way while it has more, then the oldest. A file that is shipped and full is chosen once more. */
async function chooseFile(directory: string, position: SpoolPosition | undefined): Promise<SpoolFile | undefined> {
  const names = [...(await listFullFiles(directory)), CURRENT];
  let chosen: SpoolFile | undefined;
  for (const name of names) {
    const file = await openSpoolFile(directory, name);
    if (!file) continue;
    if (file.head !== "" && file.head === position?.head && (file.size > position.offset || !file.isCurrent)) {
      await chosen?.[Symbol.asyncDispose]();
      return file;
    }
    if (!chosen) chosen = file;
    else await file[Symbol.asyncDispose]();
  }
  return chosen;
}

async function send(options: CallShipperOptions, body: Buffer, readLines: () => Promise<string[]>): Promise<void> {
  const { rejected, linesOf } = await sendWhole(options, body, readLines);
  if (rejected.length === 0) return;
  const lines = await linesOf();
  for (const { at, message } of rejected) {
    options.log.error({ line: lines[at], why: message }, "mcpd refuses a recorded tool call for good; it is only here");
  }
}

/** Only a crash while a line was written leaves one that is no JSON. */
async function sendWhole({ send: ship, log }: CallShipperOptions, body: Buffer, readLines: () => Promise<string[]>) {
  try {
    return { ...(await ship(body)), linesOf: readLines };
  } catch (thrown) {
    if (!hasCode(thrown, "bad-request")) throw thrown;
    const lines = await readLines();
    const whole = lines.filter(isJson);
    if (whole.length === lines.length) throw thrown;
    log.error({ lines: lines.length - whole.length }, "a crash has left incomplete lines in the record of tool calls");
    return { ...(await ship(toShipBody(whole))), linesOf: async () => whole };
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
