import { randomBytes } from "node:crypto";
import type { Principal } from "../auth/principal.ts";
import type { CallRecord } from "../pipeline/call-record.ts";

/** Who asks for a tool that does not exist may call it anything. */
const MAX_TOOL = 256;

/**
 * Writes records of calls as lines of JSON. Every call passes through here, so what is the same for all calls of a token
 * is written once.
 *
 * @param epochMs - milliseconds since the epoch.
 * @returns a function that makes a line with its line feed; every line has an id that no other gateway gives.
 */
export function createCallLines(epochMs: () => number): (record: CallRecord) => string {
  const run = randomBytes(9).toString("base64url");
  const written = new WeakMap<Principal, string>();
  let count = 0;
  let lastMs = NaN;
  let lastTime = "";

  /** Many calls end in the same millisecond. */
  function timeOf(ms: number): string {
    if (ms !== lastMs) lastTime = new Date(ms).toISOString();
    lastMs = ms;
    return lastTime;
  }

  function partOf(principal: Principal): string {
    const known = written.get(principal);
    if (known !== undefined) return known;
    const { name, sha, creator, project } = principal;
    const part = JSON.stringify({ tokenName: name, tokenSha: sha, user: creator, project }).slice(1, -1);
    written.set(principal, part);
    return part;
  }

  return ({ principal, server, tool, outcome, code, durationMs, requestBytes, replyBytes }) => {
    count += 1;
    const time = timeOf(epochMs());
    const where = server === undefined ? "" : `"server":${JSON.stringify(server)},`;
    const why = code === undefined ? "" : `,"code":"${code}"`;
    const sizes = `"requestBytes":${requestBytes},"replyBytes":${replyBytes}`;
    return (
      `{"id":"${run}-${count}","time":"${time}",${partOf(principal)},"verb":"tools/call",${where}` +
      `"tool":${JSON.stringify(tool.length > MAX_TOOL ? tool.slice(0, MAX_TOOL) : tool)},"outcome":"${outcome}"${why},` +
      `"durationMs":${Math.round(durationMs * 1_000) / 1_000},${sizes}}\n`
    );
  };
}
