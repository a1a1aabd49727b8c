import { API, secretsRotation } from "@mcpctl/shared/api/contracts.ts";
import { gateways } from "@mcpctl/shared/kinds/gateways.ts";
import { manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import * as z from "zod";
import type { GatewayService } from "../services/gateway.service.ts";
import type { KeyRotationService } from "../services/key-rotation.service.ts";
import { defineRoute, type Route } from "./route.ts";

/** What secrets and gateways have besides the verbs of every kind. */
export function secretRoutes(deps: { gateways: GatewayService; keyRotation: KeyRotationService }): Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/api/v1/gateways",
      summary: "Makes a gateway; the answer holds its credential, once",
      permission: { kind: "access", verb: "create", resource: "gateways" },
      body: "json",
      response: manifestSchema(gateways).extend({ token: z.string() }),
      handle: async ({ context, body }) => ({
        status: 201,
        json: await deps.gateways.create(context, body),
        headers: { "cache-control": "no-store" },
      }),
    }),
    defineRoute({
      method: "POST",
      path: API.rotateSecrets,
      summary: "Brings some secrets under the first key; to be called until none remains",
      permission: { kind: "access", verb: "grant", resource: "secrets" },
      response: secretsRotation,
      handle: async ({ context }) => ({ json: await deps.keyRotation.rotateSome(context) }),
    }),
  ];
}
