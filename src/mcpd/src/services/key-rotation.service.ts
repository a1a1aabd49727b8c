import type { SecretsRotation } from "@mcpctl/shared/api/contracts.ts";
import type { AuditService } from "./audit.service.ts";
import { rewrapSecrets } from "./envelope.ts";
import type { KeyRing } from "./key-ring.ts";
import type { RequestContext } from "./request-context.ts";

export interface KeyRotationService {
  /**
   * Brings some more envelopes under the first key. Each call is one transaction, so that it may end anywhere: what is
   * done stays done, and the rest opens with the key that it has.
   *
   * @throws {McpctlError} `secrets-key-unusable`
   */
  rotateSome(context: RequestContext): Promise<SecretsRotation>;
}

const BATCH = 100;

export function createKeyRotationService({ audit, keys }: { audit: AuditService; keys: KeyRing }): KeyRotationService {
  return {
    rotateSome(context) {
      const { id: keyId } = keys.first();
      // Writers of objects wait meanwhile: an envelope is bound to the generation of its object.
      return audit.mutate(context, { verb: "rotate", resource: "secrets" }, async ({ secrets }) => {
        const rows = await secrets.listOfOtherKeys(keyId, BATCH);
        for (const { uid, sealed, resource } of rows) await secrets.put(uid, rewrapSecrets(keys, resource, sealed));
        return { keyId, rewrapped: rows.length, remaining: await secrets.countOfOtherKeys(keyId) };
      });
    },
  };
}
