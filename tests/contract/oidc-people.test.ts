import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runMcpctl } from "../../src/cli/tests/fakes/run-mcpctl.ts";
import { browse } from "../support/form-browser.ts";
import { OIDC_CLIENT, type OpenidProvider, startOpenidProvider } from "../support/openid-provider.ts";
import { type Rest, startRest } from "../support/rest.ts";

let provider: OpenidProvider;
let rest: Rest;

beforeAll(async () => {
  provider = await startOpenidProvider();
  rest = await startRest(undefined, {
    settings: {
      oidcIssuer: provider.issuer,
      oidcClientId: OIDC_CLIENT.id,
      oidcClientSecret: OIDC_CLIENT.secret,
      oidcProvisioning: "true",
      oidcGroupsClaim: "groups",
    },
  });
});
afterAll(async () => {
  await rest?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

/** @returns exit code and the failure, if any, of `mcpctl login` by somebody whom the provider calls `subject`. */
async function login(subject: string, url = rest.url) {
  let page: Promise<unknown> = Promise.resolve();
  const openBrowser = (address: string) => {
    page = browse(address, { login: subject, password: "any" });
  };
  // Where the session cannot be stored, what mcpd answered is still told first.
  const { code, err } = await runMcpctl("login --oidc", {
    server: url,
    token: undefined,
    openBrowser,
    directory: "/dev/null/x",
  });
  await page;
  return { code, failure: err.find((line) => line.startsWith("Error")) ?? "" };
}

async function find(path: string) {
  const { status, body } = await rest.send("GET", `/api/v1/${path}`);
  return status === 200 ? body["spec"] : undefined;
}

describe("provisioning", () => {
  it("makes a user with the name of the verified email, once", async () => {
    provider.accounts.set("ada", { email: "Ada@Example.com", email_verified: true, name: "Ada L." });
    await login("ada");
    const oidc = { issuer: provider.issuer, subject: "ada" };
    expect(await find("users/ada@example.com")).toEqual({ displayName: "Ada L.", disabled: false, oidc });
    provider.accounts.set("ada", { email: "ada@new.example.com", email_verified: true });
    await login("ada");
    expect(await find("users/ada@new.example.com")).toBeUndefined();
  });

  it("never believes an email that is not verified", async () => {
    provider.accounts.set("bob", { email: "boss@example.com", email_verified: false });
    await login("bob");
    expect(await find("users/boss@example.com")).toBeUndefined();
    expect((await find("users/bob")).oidc.subject).toBe("bob");
  });

  it("never believes that one email is verified because another one is", async () => {
    provider.accounts.set("kim", { email: "kim@example.com", email_verified: true });
    provider.forge(({ header, claims }) => ({ header, claims: { ...claims, email: "boss@example.com" } }));
    await login("kim");
    provider.forge();
    expect(await find("users/boss@example.com")).toBeUndefined();
    expect((await find("users/kim@example.com")).oidc.subject).toBe("kim");
  });

  it("never takes over a user who is there already", async () => {
    await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name: "cy@example.com" }, spec: {} });
    provider.accounts.set("cy", { email: "cy@example.com", email_verified: true });
    expect(await login("cy")).toEqual({
      code: 6,
      failure: 'Error (forbidden): There is a user "cy@example.com" already, with another way to log in',
    });
    provider.accounts.set("admin", {});
    expect((await login("admin")).code).toBe(6);
    expect((await find("users/admin")).oidc).toBeUndefined();
  });

  it("names users by another claim where it is told to, and still believes no unverified email", async () => {
    const start = (oidcUserClaim: string) =>
      startRest(undefined, {
        settings: {
          oidcIssuer: provider.issuer,
          oidcClientId: OIDC_CLIENT.id,
          oidcClientSecret: OIDC_CLIENT.secret,
          oidcProvisioning: "true",
          oidcUserClaim,
        },
      });
    provider.accounts.set("lea", { email: "boss@example.com", email_verified: false, name: "lea-by-name" });
    await using byName = await start("name");
    await login("lea", byName.url);
    expect((await byName.send("GET", "/api/v1/users/lea-by-name")).status).toBe(200);
    await using byEmail = await start("email");
    expect((await login("lea", byEmail.url)).failure).toContain("The claim email of your account");
    expect((await byEmail.send("GET", "/api/v1/users/boss@example.com")).status).toBe(404);
  });

  it("refuses a subject that can be nobody's name", async () => {
    expect((await login("Not A Name!")).failure).toContain("cannot be the name of a user");
  });

  it("makes one user of a person who logs in twice at once", async () => {
    provider.accounts.set("di", { email: "di@example.com", email_verified: true });
    const failures = (await Promise.all([login("di"), login("di"), login("di")])).map(({ failure }) => failure);
    expect(failures.filter((failure) => failure.includes("forbidden"))).toEqual([]);
    expect((await find("users/di@example.com")).oidc.subject).toBe("di");
  });
});

describe("groups of the provider", () => {
  it("set the membership of the groups with the prefix at each login, and of no other", async () => {
    for (const name of ["oidc-devs", "oidc-ops", "devs"]) {
      await rest.send("POST", "/api/v1/groups", { kind: "Group", metadata: { name }, spec: {} });
    }
    const account = { email: "eli@example.com", email_verified: true };
    const membersOf = async () =>
      Promise.all(["oidc-devs", "oidc-ops", "devs"].map(async (name) => (await find(`groups/${name}`)).members));
    provider.accounts.set("eli", { ...account, groups: ["devs", "unknown"] });
    await login("eli");
    expect(await membersOf()).toEqual([["eli@example.com"], [], []]);
    provider.accounts.set("eli", { ...account, groups: ["ops"] });
    await login("eli");
    expect(await membersOf()).toEqual([[], ["eli@example.com"], []]);
    provider.accounts.set("eli", account);
    await login("eli");
    expect(await membersOf()).toEqual([[], [], []]);
  });
});

describe("allow-lists", () => {
  it("admit only verified emails of their domains and members of their groups", async () => {
    await using strict = await startRest(undefined, {
      settings: {
        oidcIssuer: provider.issuer,
        oidcClientId: OIDC_CLIENT.id,
        oidcClientSecret: OIDC_CLIENT.secret,
        oidcProvisioning: "true",
        oidcGroupsClaim: "groups",
        oidcAllowedDomains: "example.com, example.org",
        oidcAllowedGroups: "staff",
      },
    });
    const verified = { email: "fay@example.com", email_verified: true, groups: ["staff"] };
    const codeOf = async (claims: object) => {
      provider.accounts.set("fay", { ...claims });
      return (await login("fay", strict.url)).failure.match(/\(([a-z-]+)\)/)?.[1];
    };
    expect(await codeOf({ ...verified, email_verified: false })).toBe("forbidden");
    expect(await codeOf({ ...verified, email: "fay@example.com.evil.test" })).toBe("forbidden");
    expect(await codeOf({ ...verified, groups: ["guests"] })).toBe("forbidden");
    expect(await codeOf({ ...verified, groups: undefined })).toBe("forbidden");
    expect(await codeOf(verified)).toBe("config-invalid");
  });
});

describe("a provider that is not there", () => {
  it("is a typed error, and passwords still work", async () => {
    await using alone = await startRest(undefined, {
      settings: { oidcIssuer: "http://127.0.0.1:9", oidcClientId: "mcpctl" },
    });
    expect(await login("ada", alone.url)).toEqual({
      code: 1,
      failure: expect.stringMatching(/^Error \(upstream-unavailable\): The OpenID provider http:\/\/127\.0\.0\.1:9 /),
    });
    expect((await alone.send("GET", "/api/v1/whoami")).status).toBe(200);
  });

  it("is refused at the start when only half of it is configured", async () => {
    await expect(startRest(undefined, { settings: { oidcIssuer: "https://id.example.com" } })).rejects.toMatchObject({
      code: "config-invalid",
    });
    await expect(startRest(undefined, { settings: { oidcIssuer: "http://id.example.com" } })).rejects.toThrow("https");
  });
});
