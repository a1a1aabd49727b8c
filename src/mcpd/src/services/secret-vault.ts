import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Kind, Resource } from "@mcpctl/shared/kinds/kind.ts";
import { hasSecretFields, putSecrets, takeSecrets } from "@mcpctl/shared/kinds/secret-fields.ts";
import type { Repositories } from "../repositories/interfaces.ts";
import { openSecrets, sealSecrets, tampered } from "./envelope.ts";
import type { KeyRing } from "./key-ring.ts";
import type { KnownSecrets } from "./known-secrets.ts";

/** Keeps the values of marked fields apart from their objects, in which only masks are stored. */
export interface SecretVault {
  /**
   * What is stored and what somebody wrote, both with values in the place of masks, for comparing and merging: a mask
   * that is written stands for the value that is stored. Neither must leave the transaction.
   *
   * @throws {McpctlError} `secrets-key-unusable`; `invalid` for a mask that stands for nothing.
   */
  reveal<S extends Resource | undefined, W extends object>(
    repositories: Repositories,
    kind: Kind,
    both: { stored: S; written: W },
  ): Promise<[S, W]>;
  /** The same for an object that was not stored before, or is revealed already. @throws {McpctlError} `invalid` */
  keepMasked<W extends object>(kind: Kind, written: W, current: Resource | undefined): W;
  /** Seals all values of an object, as of its present generation. @throws {McpctlError} `secrets-key-unusable` */
  keep(repositories: Repositories, resource: Resource, values: ReadonlyMap<string, unknown>): Promise<void>;
}

export function createSecretVault(keys: KeyRing, known: KnownSecrets): SecretVault {
  async function open<R extends Resource>({ secrets }: Repositories, kind: Kind, resource: R): Promise<R> {
    const { uid, project = "" } = resource.metadata;
    const found = await secrets.find({ plural: kind.plural, project, name: uid });
    const values = found?.sealed ? openSecrets(keys, resource, found.sealed) : new Map<string, string>();
    const onMissing = () => {
      throw tampered();
    };
    return { ...resource, spec: putSecrets(kind.spec, resource.spec, { secrets: values, onMissing }) };
  }

  return {
    async reveal(repositories, kind, { stored, written }) {
      if (!hasSecretFields(kind.spec)) return [stored, written];
      const current = stored && (await open(repositories, kind, stored));
      return [current, keepMasked(kind, written, current)];
    },

    keepMasked,

    async keep({ secrets }, resource, values) {
      if (values.size === 0) return secrets.delete(resource.metadata.uid);
      const texts = new Map([...values].map(([path, value]) => [path, String(value)]));
      known.add(texts.values());
      await secrets.put(resource.metadata.uid, sealSecrets(keys, resource, texts));
    },
  };
}

function keepMasked<W extends object>({ spec, singular }: Kind, written: W, current: Resource | undefined): W {
  if (!hasSecretFields(spec) || !("spec" in written)) return written;
  const { secrets } = takeSecrets(spec, current?.spec);
  const onMissing = (path: string) => {
    throw new McpctlError("invalid", `The ${singular} is invalid: spec.${path}: has no value that could be kept`, {
      hint: "Write the value itself; what is printed in its place is none",
      fields: [{ path: `spec.${path}`, message: "has no value that could be kept" }],
    });
  };
  return { ...written, spec: putSecrets(spec, written.spec, { secrets, onMissing }) };
}
