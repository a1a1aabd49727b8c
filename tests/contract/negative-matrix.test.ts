import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateToken, SESSION_PREFIX } from "../../src/shared/src/tokens/index.ts";
import type { Permission } from "../../src/mcpd/src/routes/route.ts";
import { type Rest, startRest } from "../support/rest.ts";

interface Operation {
  method: string;
  path: string;
  permission: Permission;
}

/** What anybody may ask without a bearer. A route that is added here is open to the world. */
const PUBLIC = [
  "GET /api/v1/login/methods",
  "GET /api/v1/mcptokens/introspect",
  "GET /livez",
  "GET /metrics",
  "GET /openapi.json",
  "GET /readyz",
  "GET /version",
  "POST /api/v1/login",
  "POST /api/v1/login/oidc",
  "POST /api/v1/login/oidc/code",
  "POST /api/v1/login/oidc/device",
  "POST /api/v1/login/oidc/device/token",
];
const OWN_PROJECT = "own";

let rest: Rest;
let operations: Operation[];
/** Bearers by what is the matter with them. */
const bearers: Record<string, string | null> = {};

beforeAll(async () => {
  rest = await startRest(undefined);
  const { body } = await rest.send("GET", "/openapi.json");
  operations = Object.entries(body["paths"] as Record<string, Record<string, { "x-permission": Permission }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        permission: operation["x-permission"],
      })),
  );
  for (const name of [OWN_PROJECT, "foreign"]) {
    await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec: {} });
  }
  const mint = async (name: string, spec: object = {}) => {
    const metadata = { name, project: OWN_PROJECT };
    return String((await rest.send("POST", "/api/v1/mcptokens", { kind: "McpToken", metadata, spec })).body["token"]);
  };
  bearers["none"] = null;
  bearers["malformed"] = "mcpctl_pat_";
  bearers["of an unknown kind"] = "ghp_0123456789";
  bearers["an unknown token"] = generateToken().raw;
  bearers["an unknown session"] = generateToken(SESSION_PREFIX).raw;
  bearers["an expired token"] = await mint("expired", { ttl: "1s" });
  bearers["a revoked token"] = await mint("revoked");
  bearers["a narrow token"] = await mint("narrow");
  await rest.send("POST", `/api/v1/mcptokens/revoked/revoke?project=${OWN_PROJECT}`);
  await sleep(1_500);
});
afterAll(() => rest?.[Symbol.asyncDispose]());

/** Asks an operation about objects that do not exist, in a project. @returns the status. */
async function ask({ method, path }: Operation, bearer: string | null, project: string): Promise<number> {
  const filled = path.replace("{project}", project).replaceAll(/\{\w+\}/g, "nothing");
  const hasBody = method !== "GET" && method !== "DELETE";
  // Some answers are streams without an end; the status is all that is wanted.
  const abort = new AbortController();
  const response = await fetch(`${rest.url}${filled}`, {
    method,
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(hasBody && { "content-type": method === "PATCH" ? "application/apply-patch+json" : "application/json" }),
    },
    ...(hasBody && { body: "{}" }),
    signal: abort.signal,
  });
  abort.abort();
  return response.status;
}

/** What a token without any right but its project's gets. Undefined where that depends on the handler. */
function refusalOf({ path, permission }: Operation, project: string): number | undefined {
  const isNamed = path.includes("{name}");
  switch (permission.kind) {
    case "public":
    case "authenticated":
      return undefined;
    case "project":
      return project === OWN_PROJECT ? undefined : 404;
    case "action":
      return 403;
    case "access":
    case "apply":
      return isNamed ? 404 : 403;
  }
}

describe("every operation of the API", () => {
  it("says what it demands, and only a few demand nothing", () => {
    expect(operations.length).toBeGreaterThan(40);
    const open = operations.filter(({ permission }) => permission.kind === "public");
    expect(open.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(PUBLIC);
    for (const { permission } of operations)
      expect(permission.kind).toMatch(/^(public|authenticated|access|apply|project|action)$/);
  });

  it.each([
    "none",
    "malformed",
    "of an unknown kind",
    "an unknown token",
    "an unknown session",
    "an expired token",
    "a revoked token",
  ])("answers 401 to a bearer that is %s", async (what) => {
    const answers: Record<string, number> = {};
    for (const operation of operations.filter(({ permission }) => permission.kind !== "public")) {
      answers[`${operation.method} ${operation.path}`] = await ask(operation, bearers[what] ?? null, OWN_PROJECT);
    }
    const others = Object.entries(answers).filter(([, status]) => status !== 401);
    expect(Object.fromEntries(others)).toEqual({});
  });

  it.each([OWN_PROJECT, "foreign"])("keeps a token within its rights in project %s", async (project) => {
    const wrong: Record<string, [number, number | string]> = {};
    for (const operation of operations.filter(({ permission }) => permission.kind !== "public")) {
      const status = await ask(operation, bearers["a narrow token"] ?? null, project);
      const expected = refusalOf(operation, project);
      const isRight = expected === undefined ? status !== 401 && status < 500 : status === expected;
      if (!isRight) wrong[`${operation.method} ${operation.path}`] = [status, expected ?? "anything but 401 and 5xx"];
    }
    expect(wrong).toEqual({});
  });
});
