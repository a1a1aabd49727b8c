import { McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it } from "vitest";
import type { Plant } from "../fakes/conforming-server.ts";
import { FAKE_TOKEN, startFakeApi } from "../fakes/fake-api.ts";
import { testServer } from "../fakes/test-mcp.ts";

const FLAGS = ["-p", "demo", "--era", "modern"];

/** Everybody is admitted; what they came with is remembered. */
function remembering(seen: Set<string | undefined>, onFirst: () => void = () => undefined): Plant {
  return (request, decide) => {
    if (seen.size === 0) onFirst();
    seen.add(request.headers.authorization);
    return decide(request);
  };
}

describe("-p PROJECT", () => {
  it("tests with a token that lives as long as the test, and never with the one for mcpd", async () => {
    await using api = await startFakeApi();
    const bearers = new Set<string | undefined>();
    let during: string[] = [];
    const plant = remembering(bearers, () => (during = api.names("mcptokens")));
    const { checks, err } = await testServer({ plant, isProtected: false }, FLAGS, { server: api.url });
    expect(checks.length).toBeGreaterThan(40);
    expect(during).toEqual([expect.stringMatching(/^test-[0-9a-f]{8}$/)]);
    expect(api.names("mcptokens")).toEqual([]);
    expect(bearers).toContain("Bearer mcpctl_pat_minted");
    expect(bearers).not.toContain(`Bearer ${FAKE_TOKEN}`);
    expect(err.join("\n")).not.toContain("Warning");
    const [minted] = api.received.filter(({ method }) => method === "POST");
    expect(minted?.body).toMatchObject({ metadata: { project: "demo" }, spec: { ttl: "1h", rbac: "empty" } });
  });

  it("leaves no token behind after Ctrl-C", async () => {
    await using api = await startFakeApi();
    const controller = new AbortController();
    const plant = remembering(new Set(), () => controller.abort(new DOMException("Interrupted", "AbortError")));
    const options = { server: api.url, signal: controller.signal };
    expect((await testServer({ plant }, FLAGS, options)).code).toBe(130);
    expect(api.received.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    expect(api.names("mcptokens")).toEqual([]);
  });

  it("says which token it could not delete, and reports the test all the same", async () => {
    await using api = await startFakeApi();
    const plant = remembering(new Set(), () => {
      const [name = ""] = api.names("mcptokens");
      api.fail("DELETE", `/api/v1/mcptokens/${name}`, new McpctlError("unavailable", "Out of order"));
    });
    const { checks, err } = await testServer({ plant, isProtected: false }, FLAGS, { server: api.url });
    expect(checks.length).toBeGreaterThan(40);
    expect(err[0]).toMatch(/^Warning: mcptoken\/test-[0-9a-f]{8} could not be deleted \(.*\); it ends in 1h$/);
  });

  it("needs a login", async () => {
    await using api = await startFakeApi();
    const { code, out } = await testServer({}, FLAGS, { server: api.url, token: undefined });
    expect({ code, out }).toEqual({ code: 3, out: [] });
  });
});
