import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openLastKnownGood } from "../../src/projects/last-known-good.ts";
import { Project, type ProjectDeps } from "../../src/projects/project.ts";

const SERVER = {
  name: "files",
  revision: "1",
  url: "http://127.0.0.1:1/mcp",
  headers: { authorization: "Bearer s3cret-of-the-server" },
  isRelay: false,
  timeoutSeconds: 5,
  tools: { deny: [] },
};
const DISCOVERY: Discovery = {
  project: { name: "demo", naming: "prefix", proxyModel: "default", tools: { deny: [] } },
  servers: [SERVER],
};
const silent = { warn: () => {}, error: () => {}, info: () => {}, debug: () => {} };

async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mcplocal-known-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface World {
  isMcpdUp: boolean;
  /** Tools of the server; undefined while it hangs. */
  tools: string[] | undefined;
}

function upstreamOf(world: World): Upstream {
  return {
    identity: undefined,
    connect: async () => ({ era: "modern", protocolVersion: "2026-07-28", capabilities: { tools: {} } }),
    async request(_method, _params, { signal }) {
      if (!world.tools) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      const tools = world.tools?.map((name) => ({ name, inputSchema: { type: "object" } }));
      return { kind: "result", json: Buffer.from(JSON.stringify({ tools })) };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
}

function startProject(directory: string, world: World, options: Partial<ProjectDeps> = {}) {
  const lastKnown = openLastKnownGood({ directory, log: silent });
  const project = new Project(
    "demo",
    {
      discover: async () => {
        if (!world.isMcpdUp) throw new McpctlError("unreachable", "mcpd does not answer");
        return DISCOVERY;
      },
      openUpstream: () => upstreamOf(world),
      now: () => performance.now(),
      graceSeconds: 30,
      log: silent,
      lastKnown,
      ...options,
    },
    () => {},
  );
  const stop = async (): Promise<void> => {
    await project.close();
    await lastKnown.close();
  };
  onTestFinished(stop);
  return { project, stop };
}

const namesOf = (project: Project) =>
  JSON.parse(Buffer.from(project.view().listResult("tools", "modern")).toString()) as {
    tools: { name: string }[];
    _meta: Record<string, unknown>;
  };

/** A first life, in which everything was seen. */
async function live(directory: string): Promise<void> {
  const { project, stop } = startProject(directory, { isMcpdUp: true, tools: ["read", "write"] });
  await project.load("b");
  await project.settled();
  expect(namesOf(project).tools).toHaveLength(2);
  await stop();
}

describe("what was last known", () => {
  it("answers the lists of the next start at once, while the server has said nothing yet", async () => {
    const directory = await temporaryDirectory();
    await live(directory);
    const { project } = startProject(directory, { isMcpdUp: true, tools: undefined });
    await project.load("b");
    expect(project.isListable).toBe(true);
    expect(namesOf(project).tools.map(({ name }) => name)).toEqual(["files__read", "files__write"]);
    expect(project.view().conditions).toEqual([]);
  });

  it("gives way to what the server says now", async () => {
    const directory = await temporaryDirectory();
    await live(directory);
    const { project } = startProject(directory, { isMcpdUp: true, tools: ["other"] });
    await project.load("b");
    await vi.waitFor(() => expect(namesOf(project).tools.map(({ name }) => name)).toEqual(["files__other"]));
  });

  it("is shown without mcpd where that is wanted, which is said, and calls fail until mcpd is back", async () => {
    const directory = await temporaryDirectory();
    await live(directory);
    const world: World = { isMcpdUp: false, tools: ["read"] };
    let now = 0;
    const { project } = startProject(directory, world, { servesOffline: true, now: () => now });
    await project.load("b");
    expect(namesOf(project)).toMatchObject({
      tools: [{ name: "files__read" }, { name: "files__write" }],
      _meta: { "mcpctl.io/conditions": [{ server: "mcpd", code: "unavailable" }] },
    });
    expect(project.view().instructions).toContain("mcpd cannot be reached");
    expect(project.view().tools.get("files__read")?.source.fault).toMatchObject({ code: "unavailable" });
    expect(project.isUsable("b")).toBe(true);
    world.isMcpdUp = true;
    now += 10_000;
    project.isUsable("b");
    await vi.waitFor(() => expect(namesOf(project).tools.map(({ name }) => name)).toEqual(["files__read"]));
    expect(project.view().conditions).toEqual([]);
    expect(project.view().tools.get("files__read")?.source.fault).toBeUndefined();
  });

  it("is not shown without mcpd to callers whose rights nobody can check", async () => {
    const directory = await temporaryDirectory();
    await live(directory);
    const { project } = startProject(directory, { isMcpdUp: false, tools: ["read"] });
    await expect(project.load("b")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("holds no credential, and is for its owner alone", async () => {
    const directory = await temporaryDirectory();
    await live(directory);
    expect(await readdir(directory)).toEqual(["demo.json"]);
    expect(await readFile(join(directory, "demo.json"), "utf8")).not.toContain("s3cret");
  });

  it.each(["", "{", '{"format":1}', '{"format":2,"savedAt":"x"}', "null"])(
    "is not believed when the file holds %j",
    async (content) => {
      const directory = await temporaryDirectory();
      await writeFile(join(directory, "demo.json"), content);
      expect(openLastKnownGood({ directory, log: silent }).read("demo")).toBeUndefined();
    },
  );

  it("says at once that its directory cannot be used", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "file"), "");
    expect(() => openLastKnownGood({ directory: join(directory, "file"), log: silent })).toThrow(
      expect.objectContaining({ code: "config-invalid", hint: expect.stringContaining("--cache-dir") }),
    );
  });
});
