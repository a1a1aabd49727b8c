import { type Effects, isRevoked } from "./effects.ts";
import { addressOf, describeOperation, type Entry, type Violation } from "./ledger.ts";

/** A token whose minting was acknowledged, and what introspection says of it. */
export interface IntrospectedToken {
  entry: Entry;
  isActive: boolean;
}

/** A token works exactly as long as its last change neither revoked nor deleted it. */
export function checkTokens(tokens: readonly IntrospectedToken[], effects: Effects): Violation[] {
  return tokens
    .filter(({ entry, isActive }) => isActive !== shouldBeActive(entry, effects))
    .map(({ entry, isActive }) => ({
      kind: "token",
      what: `${describeOperation(entry)} is ${isActive ? "" : "in"}active, which its last change contradicts`,
    }));
}

function shouldBeActive({ kind, object, outcome }: Entry, effects: Effects): boolean {
  const last = effects.last.get(addressOf(kind.plural, object));
  if (outcome.answer !== "stored" || !last || last.type === "DELETED") return false;
  // Another token may have its name by now.
  return last.object.metadata.uid === outcome.resource.metadata.uid && !isRevoked(last);
}
