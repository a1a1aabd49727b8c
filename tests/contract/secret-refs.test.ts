import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import type { DiscoveredServer } from "../../src/shared/src/api/contracts.ts";
import type { Upstream } from "../../src/shared/src/mcp/upstream.ts";
import { startModernServer } from "../fixtures/http-modern-server.ts";
import { eventually, processesNaming } from "../support/processes.ts";
import { type Rest, startRest } from "../support/rest.ts";

const NEVER = new AbortController().signal;
const ECHO = { command: process.execPath, args: [join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs")] };
const newValue = () => `canary-${randomBytes(16).toString("hex")}`;

describe("what a server names of secrets", () => {
  let rest: Rest;
  let gateway: string;
  const dispatcher = createDispatcher();
  beforeAll(async () => {
    rest = await startRest(undefined);
    const made = await rest.send("POST", "/api/v1/gateways", { kind: "Gateway", metadata: { name: "edge" }, spec: {} });
    gateway = String(made.body["token"]);
  });
  afterAll(async () => {
    await dispatcher.destroy();
    await rest?.[Symbol.asyncDispose]();
  });

  const setSecret = (name: string, data: object) =>
    rest.send("PATCH", `/api/v1/secrets/${name}?fieldManager=m`, {
      kind: "Secret",
      metadata: { name },
      spec: { data },
    });

  async function createServer(name: string, spec: object): Promise<void> {
    const server = await rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name }, spec });
    expect(server.status).toBe(201);
    await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec: { servers: [name] } });
  }

  async function readyOf(name: string) {
    const { body } = await rest.send("GET", `/api/v1/servers/${name}`);
    const conditions = (body["status"]?.conditions ?? []) as { type: string; status: string; reason: string }[];
    return conditions.find(({ type }) => type === "Ready");
  }
  const hasReason = (name: string, reason: string) =>
    eventually(async () => (await readyOf(name))?.reason === reason, `${name} is ${reason}`, 15_000);

  async function discover(project: string, bearer: string): Promise<DiscoveredServer> {
    const { servers } = await createHttpControlPlane({ mcpdUrl: rest.url, dispatcher }).discover(project, bearer);
    const [found] = servers;
    if (!found) throw new Error(`no server in ${project}`);
    return found;
  }

  async function open(project: string, bearer: string): Promise<Upstream> {
    const controlPlane = createHttpControlPlane({ mcpdUrl: rest.url, dispatcher });
    const upstream = controlPlane.openUpstream(await discover(project, bearer), { bearer, capabilities: {} });
    onTestFinished(() => upstream.close());
    return upstream;
  }

  async function call(upstream: Upstream, name: string): Promise<string> {
    const { json } = await upstream.request("tools/call", { name, arguments: {} }, { signal: NEVER });
    const value = JSON.parse(Buffer.from(json).toString()) as { content?: { text: string }[]; message?: string };
    return value.content?.[0]?.text ?? value.message ?? "";
  }

  it("is in its environment and in that of no other process, changes with the secret, and ends with it", async () => {
    const [first, second, other] = [newValue(), newValue(), newValue()];
    await createServer("process", { ...ECHO, env: [{ name: "KEY", secretRef: { name: "process", key: "key" } }] });
    await hasReason("process", "SecretNotFound");
    await setSecret("process", { other });
    await hasReason("process", "SecretKeyNotFound");
    await setSecret("process", { key: first, other });
    await hasReason("process", "Running");
    const upstream = await open("process", gateway);
    const pid = Number(await call(upstream, "pid"));
    expect(JSON.parse(await call(upstream, "env"))).toMatchObject({ KEY: first });
    expect(await processesNaming(first)).toEqual([pid]);
    expect(await processesNaming(other)).toEqual([]);

    await setSecret("process", { key: first, other: second });
    expect(Number(await call(upstream, "pid"))).toBe(pid);
    await setSecret("process", { key: second, other });
    await eventually(async () => (await processesNaming(second)).length === 1, "it runs with the new value", 15_000);
    expect(await processesNaming(first)).toEqual([]);

    await rest.send("DELETE", "/api/v1/secrets/process");
    await hasReason("process", "SecretNotFound");
    await eventually(async () => (await processesNaming(second)).length === 0, "it has ended");
  });

  it("is taken out of what its process prints when it fails", async () => {
    const value = newValue();
    await setSecret("printed", { key: value });
    const program = `console.error("the key is", process.env.KEY, "mcpctl_gw_${"a".repeat(43)}"); process.exit(3)`;
    await createServer("printed", {
      command: process.execPath,
      args: ["-e", program],
      env: [{ name: "KEY", secretRef: { name: "printed", key: "key" } }],
    });
    await hasReason("printed", "CrashLoopBackOff");
    const told = JSON.stringify([
      await rest.send("GET", "/api/v1/servers/printed"),
      await rest.send("GET", "/api/v1/instances"),
      await rest.send("GET", "/api/v1/events"),
    ]);
    expect(told).toContain("the key is [redacted] mcpctl_[redacted]");
    expect(told).not.toContain(value);
    await rest.send("DELETE", "/api/v1/servers/printed");
  });

  it("is in the headers of a remote server at each request, directly for a gateway, by the relay for others", async () => {
    await using fixture = Object.assign(await startModernServer(), {
      async [Symbol.asyncDispose]() {
        await fixture.close();
      },
    });
    const [first, second] = [newValue(), newValue()];
    const headers = [{ name: "X-Key", secretRef: { name: "remote", key: "key" } }];
    await createServer("remote", { url: fixture.url, headers });
    await hasReason("remote", "SecretNotFound");
    expect(await discover("remote", gateway)).toMatchObject({ isRelay: true, fault: { reason: "SecretNotFound" } });
    await setSecret("remote", { key: first });
    await hasReason("remote", "Remote");

    const keysSeen = () => [...new Set(fixture.seen.splice(0).map((seen) => seen.headers["x-key"]))];
    const direct = await discover("remote", gateway);
    expect(direct).toMatchObject({ isRelay: false, url: fixture.url, headers: { "X-Key": first } });
    await (await open("remote", gateway)).connect(NEVER);
    expect(keysSeen()).toEqual([first]);

    const relayed = await discover("remote", rest.admin);
    expect(relayed).toMatchObject({ isRelay: true, headers: {} });
    expect(JSON.stringify(relayed)).not.toContain(first);
    const upstream = await open("remote", rest.admin);
    await upstream.request("tools/list", {}, { signal: NEVER });
    expect(keysSeen()).toEqual([first]);
    await setSecret("remote", { key: second });
    await upstream.request("tools/list", {}, { signal: NEVER });
    expect(keysSeen()).toEqual([second]);
    expect(await discover("remote", gateway)).toMatchObject({ headers: { "X-Key": second } });

    await setSecret("remote", { key: `${second}\n` });
    await expect(upstream.request("tools/list", {}, { signal: NEVER })).rejects.toThrow(
      /characters that no header may/,
    );
  });

  it("cuts off a gateway that was deleted", async () => {
    const made = await rest.send("POST", "/api/v1/gateways", { kind: "Gateway", metadata: { name: "gone" }, spec: {} });
    const bearer = String(made.body["token"]);
    await createServer("linked", ECHO);
    await hasReason("linked", "Running");
    const upstream = await open("linked", bearer);
    await call(upstream, "pid");
    await rest.send("DELETE", "/api/v1/gateways/gone");
    expect(await call(upstream, "pid")).toBe("No valid bearer token was sent");
    await expect(discover("linked", bearer)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("is nowhere in the data directory, in whatever file", async () => {
    const [secret, control] = [newValue(), newValue()];
    await setSecret("stored", { key: secret });
    await setSecret("stored", { key: secret, again: secret });
    const metadata = { name: "control", annotations: { control } };
    await rest.send("POST", "/api/v1/secrets", { kind: "Secret", metadata, spec: {} });
    const files = await readdir(rest.dataDir, { recursive: true, withFileTypes: true });
    const holding = { secret: [] as string[], control: [] as string[] };
    for (const file of files) {
      if (!file.isFile()) continue;
      const content = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0));
      if (content.includes(secret)) holding.secret.push(file.name);
      if (content.includes(control)) holding.control.push(file.name);
    }
    expect(holding.control).not.toEqual([]);
    expect(holding.secret).toEqual([]);
  });
});
