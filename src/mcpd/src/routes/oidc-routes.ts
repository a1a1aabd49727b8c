import {
  codeFinish,
  codeStart,
  codeStarted,
  devicePoll,
  devicePolled,
  deviceStarted,
  LOGIN_API,
  loginMethods,
  oidcLogin,
} from "@mcpctl/shared/api/login-contracts.ts";
import type { OidcLoginService } from "../services/oidc-login.service.ts";
import { defineRoute, type Route, type RouteRequest } from "./route.ts";

const NO_STORE = { "cache-control": "no-store" };

function originOf({ context: { requestId }, address }: Pick<RouteRequest, "context" | "address">) {
  return { requestId, address };
}

/** Logging in with an OpenID provider. Public, since whoever asks is nobody yet. */
export function oidcRoutes(logins: OidcLoginService): Route[] {
  return [
    defineRoute({
      method: "GET",
      path: LOGIN_API.methods,
      summary: "How one can log in here",
      permission: { kind: "public" },
      response: loginMethods,
      handle: async () => ({ json: logins.methods() }),
    }),
    defineRoute({
      method: "POST",
      path: LOGIN_API.code,
      summary: "Begins a login in the browser: the address to open",
      permission: { kind: "public" },
      body: codeStart,
      response: codeStarted,
      handle: async ({ body }) => ({ json: await logins.startCode(body), headers: NO_STORE }),
    }),
    defineRoute({
      method: "POST",
      path: LOGIN_API.finishCode,
      summary: "Trades the code of an OpenID provider for a session",
      permission: { kind: "public" },
      body: codeFinish,
      response: oidcLogin,
      handle: async (request) => ({
        json: await logins.finishCode(originOf(request), request.body),
        headers: NO_STORE,
      }),
    }),
    defineRoute({
      method: "POST",
      path: LOGIN_API.device,
      summary: "Begins a login on another device",
      permission: { kind: "public" },
      response: deviceStarted,
      handle: async (request) => ({ json: await logins.startDevice(originOf(request)), headers: NO_STORE }),
    }),
    defineRoute({
      method: "POST",
      path: LOGIN_API.pollDevice,
      summary: "Asks whether the person at the other device has decided; if so, the session",
      permission: { kind: "public" },
      body: devicePoll,
      response: devicePolled,
      handle: async (request) => ({
        json: await logins.pollDevice(originOf(request), request.body.deviceCode),
        headers: NO_STORE,
      }),
    }),
  ];
}
