import { AUDIT_API, shipResponse, type ShipResponse } from "@mcpctl/shared/api/audit.ts";
import type { Dispatcher } from "../upstreams/dispatcher.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import { createTarget, sendHttp } from "../upstreams/http-exchange.ts";
import { parseJson, problemOf, unusable } from "./mcpd-answers.ts";

const TIMEOUT_MS = 30_000;

interface CallSenderOptions {
  mcpdUrl: string;
  /** The gateway's own; it needs `run` on the action `ship-audit`. */
  credential: string;
  dispatcher: Dispatcher;
}

/** @returns what has mcpd store a batch of recorded calls: a `shipRequest` as JSON. */
export function createCallSender({ mcpdUrl, credential, dispatcher }: CallSenderOptions) {
  const target = createTarget("mcpd", new URL(AUDIT_API.events, mcpdUrl), dispatcher);
  const headers = toHeaderBlock({
    accept: "application/json",
    authorization: `Bearer ${credential}`,
    "content-type": "application/json",
  });

  return async (body: Buffer): Promise<ShipResponse> => {
    const answer = await sendHttp(target, { method: "POST", headers, body, timeoutMs: TIMEOUT_MS });
    const text = answer.body.toString("utf8");
    if (answer.status !== 200) throw problemOf(answer.status, text);
    const parsed = shipResponse.safeParse(parseJson(text));
    if (!parsed.success) throw unusable(`its answer to ${AUDIT_API.events} has an unknown form`, parsed.error);
    return parsed.data;
  };
}
