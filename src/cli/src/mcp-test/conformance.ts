import type { BoundCheck } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
export function findConformanceChecks(_signal: AbortSignal): (endpoint: Endpoint) => Promise<BoundCheck[]> {
  return async () => [];
}
