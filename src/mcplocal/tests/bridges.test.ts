import type { Client, ClientCapabilities, ElicitResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect as connectTo, ERAS, textOf } from "../../../tests/e2e/support/client.ts";
import { startUpstream, type UpstreamFixture, UPSTREAMS } from "../../../tests/conformance/upstreams.ts";
import { startRig, type Rig } from "./support/gateway-rig.ts";

const ALL: ClientCapabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
const CONTACT = { username: "ada", email: "ada@example.com" };

interface Connected extends AsyncDisposable {
  client: Client;
  /** What the client was asked, oldest first. */
  asked: string[];
}

/** A client that answers to a form what a test says, and to everything else with its own name. */
async function connect(
  rig: Rig,
  era: (typeof ERAS)[number],
  { name = "it", capabilities = ALL, answer = { action: "accept", content: CONTACT } as ElicitResult } = {},
): Promise<Connected> {
  const client = await connectTo(new URL("/mcp", rig.url).href, rig.token, era, capabilities);
  const asked: string[] = [];
  if (capabilities.elicitation)
    client.setRequestHandler("elicitation/create", ({ params }) => (asked.push(params.message), answer));
  if (capabilities.sampling)
    client.setRequestHandler("sampling/createMessage", () => {
      asked.push("sampling");
      return { role: "assistant", model: "m", content: { type: "text", text: `${name} says so` } };
    });
  if (capabilities.roots)
    client.setRequestHandler("roots/list", () => (asked.push("roots"), { roots: [{ uri: `file:///${name}` }] }));
  return { client, asked, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

const call = ({ client }: Connected, name: string, args: Record<string, unknown> = {}) =>
  client.callTool({ name: `files__${name}`, arguments: args });

describe.each(UPSTREAMS)("a %s server", (upstreamEra) => {
  let upstream: UpstreamFixture;
  let rig: Rig;
  beforeAll(async () => {
    upstream = await startUpstream(upstreamEra);
    rig = await startRig({ servers: { files: { url: upstream.url }, web: { url: upstream.url } } });
  });
  afterAll(() => upstream[Symbol.asyncDispose]());

  describe.each(ERAS)("and a %s client", (era) => {
    it.each(["accept", "decline", "cancel"] as const)("agree on what the user answered: %s", async (action) => {
      const answer: ElicitResult = action === "accept" ? { action, content: CONTACT } : { action };
      await using connected = await connect(rig, era, { answer });
      const said = textOf(await call(connected, "test_elicitation", { message: "Who are you?" }));
      expect(said).toContain(`action=${action}`);
      expect(said).toContain(action === "accept" ? '"username":"ada"' : "content={}");
      expect(connected.asked).toEqual(["Who are you?"]);
    });

    it("reach the model and the roots of the client", async () => {
      await using connected = await connect(rig, era);
      expect(textOf(await call(connected, "test_sampling", { prompt: "?" }))).toContain("it says so");
      expect(textOf(await call(connected, "test_input_required_result_list_roots"))).toContain("file:///it");
      expect(connected.asked).toEqual(["sampling", "roots"]);
    });

    it("come to an end, also without an answer, when the client can be asked for nothing", async () => {
      await using connected = await connect(rig, era, { capabilities: {} });
      const outcome = await call(connected, "test_sampling", { prompt: "?" }).then(
        ({ isError }) => isError === true,
        (error: unknown) => error instanceof Error,
      );
      expect(outcome).toBe(true);
      expect(connected.asked).toEqual([]);
    });

    it("do not mix up two clients that are asked at the same time", async () => {
      await using first = await connect(rig, era, { name: "one" });
      await using second = await connect(rig, era, { name: "two" });
      const both = await Promise.all([first, second].map((one) => call(one, "test_sampling", { prompt: "?" })));
      expect(both.map(textOf)).toEqual([
        expect.stringContaining("one says so"),
        expect.stringContaining("two says so"),
      ]);
      expect([first.asked, second.asked]).toEqual([["sampling"], ["sampling"]]);
    });

    it("tell resources apart that two servers have, in lists, in reads and in results", async () => {
      await using connected = await connect(rig, era);
      const { client } = connected;
      const uris = (await client.listResources()).resources.map(({ uri }) => uri);
      expect(uris).toEqual(expect.arrayContaining(["mcp+files:test://static-text", "mcp+web:test://static-text"]));
      const { contents } = await client.readResource({ uri: "mcp+web:test://static-text" });
      expect(contents).toMatchObject([{ uri: "mcp+web:test://static-text", text: expect.any(String) }]);
      const templates = (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate);
      expect(templates).toContain("mcp+files:test://template/{id}/data");
      const made = await client.readResource({ uri: "mcp+files:test://template/7/data" });
      expect(made.contents).toMatchObject([{ uri: "mcp+files:test://template/7/data" }]);
      await expect(client.readResource({ uri: "test://nothing" })).rejects.toThrow(/not found/i);
    });

    it("complete the arguments of prompts by the names that clients know", async () => {
      await using connected = await connect(rig, era);
      const { client } = connected;
      const names = (await client.listPrompts()).prompts.map(({ name }) => name);
      expect(names).toContain("files__test_prompt_with_arguments");
      const prompt = await client.getPrompt({
        name: "files__test_prompt_with_arguments",
        arguments: { arg1: "a", arg2: "b" },
      });
      expect(JSON.stringify(prompt.messages)).toContain("a");
      const ref = { type: "ref/prompt" as const, name: "web__test_prompt_with_arguments" };
      const { completion } = await client.complete({ ref, argument: { name: "arg1", value: "" } });
      expect(Array.isArray(completion.values)).toBe(true);
    });
  });
});
