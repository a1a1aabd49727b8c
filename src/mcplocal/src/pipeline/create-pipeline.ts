import type { OnCall } from "./call-record.ts";
import { createCallTool } from "./call-tool.ts";
import { createForward } from "./forward.ts";
import type { HeldCalls } from "./held-calls.ts";
import { createMethods, type MethodTables } from "./methods.ts";
import { createNotificationRelay } from "./notification-relay.ts";

interface PipelineDeps {
  onCall: OnCall;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Puts together what serves requests, whatever they come in on. */
export function createPipeline(held: HeldCalls, deps: PipelineDeps): MethodTables {
  const forward = createForward({ relayNotifications: createNotificationRelay(), held });
  return createMethods(createCallTool({ forward, ...deps }), forward);
}
