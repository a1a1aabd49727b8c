import type { Project } from "../projects/project.ts";
import { updateMessage } from "../protocol/change-messages.ts";
import type { ClientRequest } from "../protocol/client-message.ts";
import { readSubscription } from "../protocol/subscription.ts";

interface Subscribing {
  project: Project;
  request: ClientRequest;
  /** Aborted when the client gives it up. */
  signal: AbortSignal;
  send(message: Uint8Array): void;
}

/**
 * Serves `subscriptions/listen` until the client cancels it or the project is gone; then, and only then, it is answered.
 *
 * @throws {RpcFailure} without a filter.
 * @see MCP 2026-07-28, basic/patterns/subscriptions
 */
export async function subscribe({ project, request, signal, send }: Subscribing): Promise<void> {
  const canSubscribe = project.view().capabilities.resources?.subscribe === true;
  const { uris, meta, greeting, changed, farewell } = readSubscription(request, canSubscribe);
  const over = Promise.withResolvers<void>();
  send(greeting);
  const stopListening = project.listen({
    changed(kind) {
      const message = changed[kind];
      if (message) send(message);
    },
    updated(uri) {
      if (uris.has(uri)) send(updateMessage(uri, meta));
    },
    closed() {
      send(farewell);
      over.resolve();
    },
  });
  const ends = [...uris].map((uri) => project.subscribe(uri));
  signal.addEventListener("abort", () => {
    stopListening();
    over.resolve();
  });
  await over.promise;
  for (const end of ends) end();
}
