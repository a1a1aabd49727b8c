import { it } from "vitest";
import { type Requirement, REQUIREMENTS } from "../requirements.ts";

const TIMEOUT_MS = 120_000;

/** A test that verifies one requirement; its name is the requirement's sentence. */
export function verifies(requirement: Requirement, body: () => Promise<void>): void {
  it(`${requirement}: ${REQUIREMENTS[requirement]}`, { timeout: TIMEOUT_MS }, body);
}
