import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descendantsOf, eventually } from "../support/processes.ts";
import { startPostgres } from "../support/postgres.ts";
import { built, type Running, start } from "../support/programs.ts";

const PASSWORD = "a password for canaries";
const TOKENS = 100;
const SECRETS = 100;
const ECHO = join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs");
/** Tokens that are put where they do not belong, as people do. */
const MISPLACED = 10;
/** The server that is to have this secret in its environment. */
const DECLARED = "secret-0";

interface Sweep {
  program: Running;
  api: string;
  /** What may be found nowhere, and who it is. */
  canaries: Map<string, string>;
}

async function send(
  sweep: Pick<Sweep, "api">,
  request: { method: string; path: string; body?: unknown; bearer?: string },
) {
  const { method, path, body, bearer } = request;
  const response = await fetch(`${sweep.api}${path}`, {
    method,
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && {
        "content-type": method === "PATCH" ? "application/apply-patch+json" : "application/json",
      }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  // A stream does not end by itself.
  const isStream = /event-stream|ndjson/.test(response.headers.get("content-type") ?? "");
  if (isStream) await response.body?.cancel();
  return { status: response.status, text: isStream ? "" : await response.text() };
}

async function startMcpd(dataDir: string, databaseUrl: string | undefined): Promise<{ program: Running; api: string }> {
  const database = databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
  const args = ["--listen", "127.0.0.1:0", "--data-dir", dataDir, "--log-level", "debug", ...database];
  const key = { MCPD_SECRETS_KEY: KEY, MCPD_ADMIN_PASSWORD: PASSWORD };
  const program = start(built("mcpd"), args, key);
  const line = await program.line((text) => text.includes("http://"));
  return { program, api: /http:\S+/.exec(line)?.[0] ?? "" };
}

const KEY = randomBytes(32).toString("base64");

/** Texts as they stand in a file, and as a careless encoder would have them. */
function formsOf(canary: string): string[] {
  return [canary, Buffer.from(canary).toString("base64").slice(0, -4), Buffer.from(canary).toString("hex")];
}

/** @returns who of the canaries is found in bytes, and where. */
function findIn(bytes: Buffer, where: string, canaries: Sweep["canaries"]): string[] {
  return [...canaries].flatMap(([canary, name]) =>
    formsOf(canary).some((form) => bytes.includes(form)) ? [`${name} in ${where}`] : [],
  );
}

async function findInFiles(dir: string, canaries: Sweep["canaries"]): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.push(...findIn(await readFile(path).catch(() => Buffer.alloc(0)), path, canaries));
  }
  return found;
}

async function findInProcesses(pid: number, canaries: Sweep["canaries"]): Promise<string[]> {
  const found: string[] = [];
  for (const each of [pid, ...(await descendantsOf(pid))]) {
    for (const file of ["cmdline", "environ"]) {
      const bytes = await readFile(`/proc/${each}/${file}`).catch(() => Buffer.alloc(0));
      const where = `${file} of ${bytes.includes(`MINE=`) ? "the declared server" : "a process"}`;
      found.push(...findIn(bytes, where, canaries));
    }
  }
  return found;
}

async function mintAndStore(sweep: Sweep, bearer: string): Promise<string[]> {
  const post = (path: string, body: object) => send(sweep, { method: "POST", path, body, bearer });
  await post("/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec: {} });
  const tokens: string[] = [];
  for (let at = 0; at < TOKENS; at += 1) {
    const spec = at % 3 === 0 ? { rbac: "clone" } : {};
    const { text } = await post("/api/v1/mcptokens", {
      kind: "McpToken",
      metadata: { name: `t${at}`, project: "p" },
      spec,
    });
    const { token } = JSON.parse(text) as { token: string };
    tokens.push(token);
    // Without what all tokens begin with, since that may stand anywhere.
    sweep.canaries.set(token.replace(/^mcpctl_[a-z]+_/, ""), `token ${at}`);
  }
  for (let at = 0; at < SECRETS; at += 1) {
    const value = `canary-${randomBytes(18).toString("hex")}`;
    sweep.canaries.set(value, `secret ${at}`);
    const name = `secret-${at}`;
    const body = { kind: "Secret", metadata: { name }, spec: { data: { key: value } } };
    await send(sweep, { method: "PATCH", path: `/api/v1/secrets/${name}?fieldManager=m`, body, bearer });
  }
  const env = [{ name: "MINE", secretRef: { name: DECLARED, key: "key" } }];
  const spec = { command: process.execPath, args: [ECHO], env };
  await post("/api/v1/servers", { kind: "Server", metadata: { name: "owner" }, spec });
  return tokens;
}

/** Asks everything that the API has, with tokens as bearers and where they do not belong. */
async function driveEverything(sweep: Sweep, tokens: readonly string[]): Promise<string> {
  const document = JSON.parse((await send(sweep, { method: "GET", path: "/openapi.json" })).text) as {
    paths: Record<string, Record<string, unknown>>;
  };
  let answers = "";
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      for (const token of tokens.slice(0, MISPLACED)) {
        const filled = path.replaceAll(/\{\w+\}/g, encodeURIComponent(token));
        const query = `?project=p&labelSelector=a%3D${token}&name=${token}`;
        const body =
          method === "get" || method === "delete"
            ? {}
            : { body: { kind: token, metadata: { name: token }, spec: { token } } };
        const bare = await send(sweep, { method: method.toUpperCase(), path: filled, ...body, bearer: token });
        const wrong = await send(sweep, {
          method: method.toUpperCase(),
          path: `${path.replaceAll(/\{\w+\}/g, "t1")}${query}`,
          ...body,
          bearer: token,
        });
        // What was asked may be repeated to whoever asked; what is stored of it may not.
        if (method === "get" && !path.includes("{")) answers += bare.text + wrong.text;
      }
    }
  }
  return answers;
}

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

describe.each(["pglite", "postgresql"] as const)("tokens and secrets with %s", (engine) => {
  let dataDir: string;
  let databaseUrl: string | undefined;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mcpctl-canaries-"));
    databaseUrl = engine === "postgresql" ? await postgres.createDatabase() : undefined;
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));

  it("are found nowhere but where they belong, also after errors and a crash", async () => {
    const canaries: Sweep["canaries"] = new Map();
    const first = await startMcpd(dataDir, databaseUrl);
    const sweep: Sweep = { ...first, canaries };
    const login = await send(sweep, {
      method: "POST",
      path: "/api/v1/login",
      body: { user: "admin", password: PASSWORD },
    });
    const bearer = (JSON.parse(login.text) as { token: string }).token;
    canaries.set(bearer.replace(/^mcpctl_[a-z]+_/, ""), "the session");
    const tokens = await mintAndStore(sweep, bearer);
    expect(canaries.size).toBe(TOKENS + SECRETS + 1);
    const isRunning = async () =>
      (await send(sweep, { method: "GET", path: "/api/v1/servers/owner", bearer })).text.includes('"readyReplicas":1');
    await eventually(isRunning, "the server with a secret runs", 30_000);
    const shown = await driveEverything(sweep, tokens);
    const audit = await send(sweep, { method: "GET", path: "/api/v1/audit?limit=500", bearer });
    const inProcesses = await findInProcesses(first.program.pid, canaries);
    await first.program.end("SIGKILL");
    const { program } = await startMcpd(dataDir, databaseUrl);
    await program.end("SIGTERM");

    const dump = databaseUrl === undefined ? "" : await postgres.dump(databaseUrl);
    const outputs = [first.program, program].map((each) => JSON.stringify(each.output())).join("\n");
    const found = [
      ...(await findInFiles(dataDir, canaries)),
      ...findIn(Buffer.from(dump), "a dump", canaries),
      ...findIn(Buffer.from(outputs), "the output", canaries),
      ...findIn(Buffer.from(audit.text), "the audit trail", canaries),
      ...findIn(Buffer.from(shown), "a list", canaries),
      ...inProcesses,
    ];
    // The one place where it belongs proves that the search finds what is there.
    expect(found).toEqual(["secret 0 in environ of the declared server"]);
    expect(audit.text).toContain('"items"');
    expect(engine === "postgresql" ? dump : "audit_events").toContain("audit_events");
    process.stdout.write(`canaries: ${engine}, ${canaries.size} of them, none astray\n`);
  }, 300_000);
});
