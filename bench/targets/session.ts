import type { HttpConnection } from "../load/http-connection.ts";
import {
  type Endpoint,
  INITIALIZE,
  isResult,
  nextId,
  prepareNotification,
  prepareRequest,
  sessionIdOf,
} from "../load/mcp-requests.ts";

/** Sends `initialize` and `notifications/initialized`. @returns the endpoint with the session, if the server keeps one. */
export async function openSession(endpoint: Endpoint, connection: HttpConnection): Promise<Endpoint> {
  const id = nextId();
  const { status, head, body } = await connection.exchange(prepareRequest(endpoint, INITIALIZE)(id));
  if (status !== 200 || !isResult(body, id)) throw new Error(`initialize failed: HTTP ${status} ${body.toString()}`);
  const opened = { ...endpoint, sessionId: sessionIdOf(head) };
  await connection.exchange(prepareNotification(opened, "notifications/initialized"));
  return opened;
}
