import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type AuditEvent, AUDIT_API } from "../../src/shared/src/api/audit.ts";
import { createApiClient } from "../../src/shared/src/api/client.ts";
import { findFreePort } from "../support/free-port.ts";
import { eventually } from "../support/processes.ts";
import { built, run, type Running, start } from "../support/programs.ts";
import { connect } from "./support/client.ts";
import { temporaryDir, type UpLine } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const PASSWORD = "a password for a gateway";

/** A control plane whose port outlives it, so that a gateway finds the next one. */
async function startUp(dir: string, api: number): Promise<{ program: Running; up: UpLine }> {
  const listen = ["--listen", `127.0.0.1:${api}`, "--gateway-listen", "127.0.0.1:0"];
  const program = start(built("mcpctl"), ["up", "--data-dir", join(dir, "data"), ...listen, "-o", "json"]);
  return { program, up: JSON.parse(await program.line(() => true)) as UpLine };
}

/** A user who may be a gateway and nothing else. @returns the bearer of a session. */
async function credentialOf({ api, session }: UpLine): Promise<string> {
  const send = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${session}`, "content-type": "application/json" };
    const response = await fetch(`${api}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    expect(response.ok, `${method} ${path}`).toBe(true);
  };
  await send("POST", "users", { kind: "User", metadata: { name: "edge" }, spec: {} });
  await send("PUT", "users/edge/password", { password: PASSWORD });
  const roleBindings = [
    { role: "run", resource: "projects" },
    { role: "run", action: "ship-audit" },
  ];
  const spec = { subjects: [{ kind: "User", name: "edge" }], roleBindings };
  await send("POST", "rbac", { kind: "RbacDefinition", metadata: { name: "edge" }, spec });
  return (await createApiClient({ baseUrl: api }).login("edge", PASSWORD)).token;
}

interface GatewayOptions {
  dir: string;
  api: string;
  port: number;
  credential: string;
}

async function startGateway({ dir, api, port, credential }: GatewayOptions): Promise<Running> {
  const args = ["--mcpd-url", api, "--listen", `127.0.0.1:${port}`, "--audit-dir", join(dir, "spool")];
  const gateway = start(built("mcplocal-serve"), args, { MCPLOCAL_CREDENTIAL: credential });
  await gateway.line((line) => line.startsWith("mcplocal listens on "));
  return gateway;
}

/** Calls as fast as answers come, whatever happens to either side. @returns what ends it and says how many answers came. */
function keepCalling(url: string, token: string): () => Promise<number> {
  let isEnded = false;
  let answered = 0;
  const calling = (async () => {
    while (!isEnded) {
      try {
        await using client = await connect(url, token, "modern");
        while (!isEnded) {
          await client.callTool({ name: "everything__echo", arguments: { message: "hello" } });
          answered += 1;
        }
      } catch {
        await sleep(50);
      }
    }
  })();
  return async () => {
    isEnded = true;
    await calling;
    return answered;
  };
}

async function shippedIds(up: UpLine, source: string): Promise<string[]> {
  const ids: string[] = [];
  for (let from = ""; ;) {
    const response = await fetch(`${up.api}${AUDIT_API.list}?verb=tools/call&limit=500${from}`, {
      headers: { authorization: `Bearer ${up.session}` },
    });
    const page = (await response.json()) as { items: AuditEvent[]; metadata: { continue?: string } };
    ids.push(...page.items.filter((event) => event.source === source).map(({ id }) => id));
    if (page.metadata.continue === undefined) return ids.toReversed();
    from = `&continue=${page.metadata.continue}`;
  }
}

verifies("audit:exactly-once", async () => {
  await using dir = await temporaryDir();
  const [api, port] = [await findFreePort(), await findFreePort()];
  let { program, up } = await startUp(dir.path, api);
  const credential = await credentialOf(up);
  const options = { dir: dir.path, api: up.api, port, credential };
  let gateway = await startGateway(options);
  const minted = await run(built("mcpctl"), ["create", "mcptoken", "caller", "-p", "demo"], {
    env: { MCPCTL_SERVER: up.api, MCPCTL_TOKEN: up.session },
  });
  const stopCalling = keepCalling(`http://127.0.0.1:${port}/projects/demo/mcp`, minted.stdout.trim());
  for (let kill = 0; kill < 3; kill += 1) {
    await sleep(1_500 + 300 * kill);
    await gateway.end("SIGKILL");
    gateway = await startGateway(options);
  }
  await sleep(1_500);
  await program.end("SIGKILL");
  ({ program, up } = await startUp(dir.path, api));
  await sleep(1_500);
  const answered = await stopCalling();
  const spooled = async () => {
    const lines = (await readFile(join(dir.path, "spool", "calls.jsonl"), "utf8")).trimEnd().split("\n");
    return lines.map((line) => (JSON.parse(line) as { id: string }).id);
  };
  await eventually(
    async () => JSON.stringify(await shippedIds(up, "User:edge")) === JSON.stringify(await spooled()),
    "every line of the spool is in the trail, once and in order",
    20_000,
  );
  expect(answered).toBeGreaterThan(50);
  expect((await spooled()).length).toBeGreaterThan(answered / 2);
  const env = { MCPCTL_SERVER: up.api, MCPCTL_TOKEN: up.session };
  const verified = await run(built("mcpctl"), ["audit", "verify"], { env });
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("is whole") });
  const shown = await run(built("mcpctl"), ["get", "audit", "--token", "caller", "--limit", "1"], { env });
  expect(shown.stdout).toContain("everything/echo");
  // Those that `up` makes of its own gateway to prove that it works.
  expect((await shippedIds(up, "System:gateway")).length).toBeGreaterThan(1);
  await gateway[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});
