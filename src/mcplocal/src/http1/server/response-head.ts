import { STATUS_CODES } from "node:http";

/** Agents pause between calls; a connection that survives the pause saves them a handshake. */
export const KEEP_ALIVE_SECONDS = 65;
const KEPT_ALIVE = `connection: keep-alive\r\nkeep-alive: timeout=${KEEP_ALIVE_SECONDS}\r\n`;
const CLOSING = "connection: close\r\n";

const statusLines = new Map<number, string>();
let dateLine = "";
let dateSecond = NaN;

/** The first line of a response, with its line end. */
export function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`;
  statusLines.set(status, line);
  return line;
}

/** The headers that every response ends with, and the empty line behind them. */
export function endOfHead(isLast: boolean): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `date: ${new Date(second * 1_000).toUTCString()}\r\n\r\n`;
  }
  return (isLast ? CLOSING : KEPT_ALIVE) + dateLine;
}
