import { hostname } from "node:os";
import type { ShipResponse } from "@mcpctl/shared/api/audit.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type AuditLog, openAuditLog } from "../audit/audit-log.ts";
import { type CallShipper, startCallShipper } from "../audit/call-shipper.ts";
import type { Log } from "../log.ts";
import { claimSpool } from "./claim-spool.ts";

/** As much as is kept where nobody takes it: eight files of that of one. */
const SPOOL_BYTES = 512_000_000;
const RETRY_MS = 10_000;

interface RecordsOptions {
  /** Of the spools of all processes that record for the same mcpd. */
  directory: string;
  log: Log;
  /** Whether the credential may bring records to mcpd. @throws {McpctlError} when that cannot be said now. */
  mayShip(): Promise<boolean>;
  send(body: Buffer): Promise<ShipResponse>;
}

export interface Records {
  auditLog: AuditLog;
  /** Writes what is left, and ships it as far as that takes moments. */
  close(): Promise<void>;
}

/**
 * Opens the record of tool calls of this process. They are shipped if the credential may; otherwise they stay on this
 * machine, the newest of them.
 *
 * @throws {McpctlError} `config-invalid` when the directory cannot be used.
 */
export async function openRecords({ directory, log, mayShip, send }: RecordsOptions): Promise<Records> {
  const onFailed = (err: unknown): void => log.error({ err }, "tool calls cannot be recorded");
  const { spool, auditLog } = await openSpool(directory, onFailed);
  let shipper: CallShipper | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function begin(): Promise<void> {
    try {
      if (await mayShip()) shipper = startCallShipper({ directory: spool, maxSpoolBytes: SPOOL_BYTES, send, log });
      else log.info({ spool }, "recorded tool calls stay here: the credential has no right to ship them");
    } catch {
      timer = setTimeout(() => void begin(), RETRY_MS).unref();
    }
  }

  void begin();
  return {
    auditLog,
    async close() {
      clearTimeout(timer);
      await auditLog.close();
      await shipper?.close();
    },
  };
}

async function openSpool(parent: string, onFailed: (thrown: unknown) => void) {
  try {
    const spool = await claimSpool(parent, { host: hostname(), pid: process.pid, isAlive });
    return { spool, auditLog: await openAuditLog({ directory: spool, epochMs: Date.now, onFailed }) };
  } catch (cause) {
    throw new McpctlError("config-invalid", `Tool calls cannot be recorded in ${parent}: ${String(cause)}`, {
      hint: "Choose a directory to write in with MCPCTL_STATE_DIR",
      cause,
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    // Somebody else's process is a process.
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}
