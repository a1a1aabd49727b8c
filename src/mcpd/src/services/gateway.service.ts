import { type Gateway, gateways } from "@mcpctl/shared/kinds/gateways.ts";
import { manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import { GATEWAY_BINDINGS } from "@mcpctl/shared/rbac/evaluate.ts";
import { type GatewayPrincipal, principalName } from "@mcpctl/shared/rbac/principal.ts";
import { GATEWAY_PREFIX, generateToken, hashToken, isGatewayCredential } from "@mcpctl/shared/tokens/index.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import { requireUser } from "../hooks/require-user.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import type { RbacService } from "./rbac.service.ts";
import type { RecentReads } from "./recent-reads.ts";
import type { RequestContext } from "./request-context.ts";

interface GatewayServiceDeps {
  database: Pick<Database, "read">;
  reads: RecentReads;
  audit: AuditService;
  rbac: RbacService;
}

/** A gateway that was just made: the only answer that ever holds its credential. */
export type MintedGateway = Gateway & { token: string };

export interface GatewayService {
  /** @returns undefined for an unknown credential, or one whose gateway was deleted. */
  authenticate(raw: string): Promise<GatewayPrincipal | undefined>;
  /** @throws {McpctlError} `forbidden` to whoever lacks what every gateway may do; `already-exists`, `invalid`. */
  create(context: RequestContext, body: unknown): Promise<MintedGateway>;
}

const schema = manifestSchema(gateways);

export function createGatewayService({ database, reads, audit, rbac }: GatewayServiceDeps): GatewayService {
  return {
    async authenticate(raw) {
      if (!isGatewayCredential(raw)) return undefined;
      const sha = hashToken(raw);
      const gateway = await reads.read(`gateway ${sha}`, () => database.read.gateways.findBySha(sha));
      return gateway && { kind: "Gateway", name: gateway.metadata.name };
    },

    async create(context, body) {
      const { metadata, spec } = parseWith(schema, body, "The gateway");
      const { name, labels, annotations } = metadata;
      requireUser(context, "make gateways");
      const { raw, sha } = generateToken(GATEWAY_PREFIX);
      const deed = { verb: "create", resource: "gateways", name };
      const gateway = await audit.mutate(context, deed, async (repositories) => {
        (await rbac.within(repositories)).requireCover(context.principal, GATEWAY_BINDINGS, "make gateways");
        const ref = { plural: "gateways", project: "", name };
        const content = { labels, annotations, managedFields: [], spec };
        const status = { creator: principalName(context.principal), sha };
        const stored = await repositories.resources.insert<Gateway>(ref, "Gateway", content, status);
        await repositories.gateways.insert({ uid: stored.metadata.uid, sha });
        return stored;
      });
      return { ...gateway, token: raw };
    },
  };
}
