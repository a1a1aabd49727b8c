import { createSign, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type JWK } from "oidc-provider";

export const OIDC_CLIENT = { id: "mcpctl", secret: "a secret of mcpd" };
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

export type Claims = Record<string, unknown>;

interface IdToken {
  header: Record<string, unknown>;
  claims: Claims;
}

/** What is wrong with an ID token; the real one is what it gets. A signature of "none" leaves it empty. */
type Forge = (token: IdToken) => IdToken & { signature?: "right" | "wrong" | "none" };

export interface OpenidProvider extends AsyncDisposable {
  issuer: string;
  /** Claims by subject; whoever is not listed has none. */
  accounts: Map<string, Claims>;
  /** Changes every ID token from now on; none when absent. */
  forge(change?: Forge): void;
}

/** A real OpenID provider on loopback, with the pages of its own for logging in: any password will do. */
export async function startOpenidProvider(): Promise<OpenidProvider> {
  const accounts = new Map<string, Claims>();
  const keys = createKeys();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = createProvider(issuer, accounts, keys.jwk);
  let forge: Forge | undefined;
  provider.use(async (context, next) => {
    await next();
    const body = context.body as Record<string, unknown> | undefined;
    if (context.path === "/token" && forge && typeof body?.["id_token"] === "string") {
      context.body = { ...body, id_token: keys.sign(forge(parseToken(body["id_token"]))) };
    }
  });
  const handle = provider.callback();
  server.on("request", (request, response) => void handle(request, response));
  return {
    issuer,
    accounts,
    forge: (change) => (forge = change),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function createProvider(issuer: string, accounts: Map<string, Claims>, jwk: JWK): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: OIDC_CLIENT.id,
        client_secret: OIDC_CLIENT.secret,
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/callback"],
        grant_types: ["authorization_code", DEVICE_GRANT],
        response_types: ["code"],
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ["cookies of a test"] },
    pkce: { required: () => true },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ ...accounts.get(accountId), sub: accountId }),
    }),
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      IdToken: 60,
      DeviceCode: 60,
      Interaction: 60,
      Session: 60,
      Grant: 60,
    },
  });
}

function createKeys() {
  const right = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const wrong = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  return {
    jwk: { ...right.export({ format: "jwk" }), kid: "key", use: "sig", alg: "RS256" } as JWK,
    sign({ header, claims, signature = "right" }: ReturnType<Forge>): string {
      const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      if (signature === "none") return `${content}.`;
      const key = signature === "right" ? right : wrong;
      return `${content}.${createSign("RSA-SHA256").update(content).sign(key, "base64url")}`;
    },
  };
}

function parseToken(token: string): IdToken {
  const [header, claims] = token.split(".", 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  return { header, claims };
}
