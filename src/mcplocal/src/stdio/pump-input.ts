import type { Readable, Writable } from "node:stream";
import type { StdioGateway } from "./stdio-gateway.ts";

/** What a client may write ahead while it does not read; its end is seen only behind what it has written. */
const MAX_AHEAD_BYTES = 4 * 1_048_576;
/** A client that has written more and still does not read after this is given up. */
const STALL_MS = 10_000;

interface Pump {
  stdin: Readable;
  stdout: Writable;
  gateway: Pick<StdioGateway, "receive" | "hasRoom">;
  onStalled(): void;
}

/** Gives the gateway what the client writes. A client that does not read is not listened to until it does. */
export function pumpInput({ stdin, stdout, gateway, onStalled }: Pump): void {
  const ahead: Buffer[] = [];
  let aheadBytes = 0;
  let isWaiting = false;
  let stall: NodeJS.Timeout | undefined;

  function advance(): void {
    isWaiting = false;
    clearTimeout(stall);
    stall = undefined;
    while (gateway.hasRoom) {
      const chunk = ahead.shift();
      if (!chunk) break;
      aheadBytes -= chunk.length;
      gateway.receive(chunk);
    }
    if (aheadBytes <= MAX_AHEAD_BYTES) stdin.resume();
    waitForRoom();
  }

  function waitForRoom(): void {
    if (gateway.hasRoom || isWaiting) return;
    isWaiting = true;
    stdout.once("drain", advance);
  }

  stdin.on("data", (chunk: Buffer) => {
    if (gateway.hasRoom && ahead.length === 0) gateway.receive(chunk);
    else {
      ahead.push(chunk);
      aheadBytes += chunk.length;
    }
    if (aheadBytes > MAX_AHEAD_BYTES) {
      stdin.pause();
      stall ??= setTimeout(onStalled, STALL_MS).unref();
    }
    waitForRoom();
  });
}
