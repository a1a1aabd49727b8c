import * as z from "zod";
import { loginResponse } from "./contracts.ts";

/** Paths of logging in with an OpenID provider. All of them are public. */
export const LOGIN_API = {
  methods: "/api/v1/login/methods",
  code: "/api/v1/login/oidc/code",
  finishCode: "/api/v1/login/oidc",
  device: "/api/v1/login/oidc/device",
  pollDevice: "/api/v1/login/oidc/device/token",
} as const;

export const loginMethods = z.object({
  password: z.boolean().describe("Whether users log in with passwords."),
  oidc: z
    .object({ issuer: z.string().describe("Its issuer.") })
    .optional()
    .describe("The OpenID provider; absent when there is none."),
});
export type LoginMethods = z.output<typeof loginMethods>;

/** What PKCE allows: 43 to 128 characters that need no escaping. */
const unreserved = /^[A-Za-z0-9._~-]{43,128}$/;
const redirectUri = z
  .string()
  .regex(/^http:\/\/127\.0\.0\.1:\d{1,5}\/callback$/, "must be http://127.0.0.1:PORT/callback")
  .describe("Where the CLI listens.");
const state = z.string().regex(unreserved).describe("Random; comes back with the code.");
const nonce = z.string().regex(unreserved).describe("Random; comes back in the ID token.");

export const codeStart = z.strictObject({
  redirectUri,
  codeChallenge: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .describe("SHA-256 of the code verifier, in base64url."),
  state,
  nonce,
});
export type CodeStart = z.output<typeof codeStart>;

export const codeStarted = z.object({ authorizationUrl: z.url().describe("What the browser opens.") });

export const codeFinish = z.strictObject({
  redirectUri,
  callback: z.string().min(1).max(8_192).describe("Query of the redirect, as it came."),
  codeVerifier: z.string().regex(unreserved).describe("Proves that this is who began."),
  state,
  nonce,
});
export type CodeFinish = z.output<typeof codeFinish>;

export const oidcLogin = loginResponse.extend({ user: z.string().describe("Whom mcpd takes the person for.") });
export type OidcLogin = z.output<typeof oidcLogin>;

export const deviceStarted = z.object({
  deviceCode: z.string().describe("For asking whether the person has decided; to be kept secret."),
  userCode: z.string().describe("What the person types."),
  verificationUri: z.string().describe("Where the person types it."),
  verificationUriComplete: z.string().optional().describe("The same with the code in it."),
  expiresInSeconds: z.number().describe("How long there is time."),
  intervalSeconds: z.number().describe("How long to wait before each question."),
});
export type DeviceStarted = z.output<typeof deviceStarted>;

export const devicePoll = z.strictObject({
  deviceCode: z.string().min(1).max(2_048).describe("From the start of the flow."),
});

export const devicePolled = z.union([
  oidcLogin.extend({ isPending: z.literal(false) }),
  z.object({
    isPending: z.literal(true).describe("The person has not decided yet."),
    isTooFast: z.boolean().describe("Whether to wait five seconds longer from now on."),
  }),
]);
export type DevicePolled = z.output<typeof devicePolled>;
