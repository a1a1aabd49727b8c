import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { formatDescription } from "../../src/cli/src/printers/describe.ts";
import { KINDS } from "../../src/shared/src/kinds/index.ts";
import { CRUD, defineKind, type Kind, type Resource } from "../../src/shared/src/kinds/kind.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { type Answer, type Rest, startRest } from "../support/rest.ts";

const hidden = z.string().min(3).meta({ secret: true, description: "Nobody reads it." });

/** A kind that nothing knows, with marks in every place where a schema can have one. */
const vaults: Kind = defineKind({
  kind: "Vault",
  singular: "vault",
  plural: "vaults",
  shortNames: [],
  scope: "global",
  nameForm: "dns",
  summary: "For this test.",
  verbs: CRUD,
  spec: z.strictObject({
    colour: z.enum(["red", "blue"]).describe("Not secret."),
    password: hidden,
    optional: hidden.optional(),
    nested: z.strictObject({ token: hidden }).optional().describe("Not secret itself."),
    byName: z.record(z.string(), hidden).default({}).describe("Not secret itself."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [{ header: "Password", description: "For this test.", value: ({ spec }) => spec.password }],
  examples: [],
});

describe("a field that is marked in the schema of a new kind", () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let rest: Rest;
  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase();
    const secretsKey = randomBytes(32).toString("base64");
    rest = await startRest(databaseUrl, { settings: { secretsKey }, mcpd: { kinds: [...KINDS, vaults] } });
  });
  afterAll(async () => {
    await rest?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const value = `canary${randomBytes(8).toString("hex")}`;
  const vault = (change: object = {}) => ({
    kind: "Vault",
    metadata: { name: "v" },
    spec: {
      colour: "red",
      password: `${value}1`,
      optional: `${value}2`,
      nested: { token: `${value}3` },
      byName: { a: `${value}4` },
      ...change,
    },
  });
  const apply = (manifest: object, manager: string, query = "") =>
    rest.send("PATCH", `/api/v1/vaults/v?fieldManager=${manager}${query}`, manifest);

  it("is masked in everything that anybody is told or that is stored", async () => {
    const answers: Answer[] = [
      await rest.send("POST", "/api/v1/vaults", vault()),
      await rest.send("GET", "/api/v1/vaults/v"),
      await rest.send("GET", "/api/v1/vaults"),
      await rest.send("PUT", "/api/v1/vaults/v", vault({ password: `${value}5` })),
      await apply(vault({ nested: { token: `${value}6` } }), "m", "&force=true"),
      await apply(vault({ optional: `${value}7` }), "m", "&force=true&dryRun=server"),
      await apply(vault({ password: `${value}8` }), "rival"),
      await apply(vault({ colour: value, byName: { a: [value] }, password: 1 }), "m", "&force=true"),
      await rest.send("POST", "/api/v1/vaults", vault()),
      await rest.send("GET", "/openapi.json"),
    ];
    const [, read, , , applied] = answers;
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 409, 422, 409, 200]);
    const mask = "[redacted]";
    const masked = { colour: "red", password: mask, optional: mask, nested: { token: mask }, byName: { a: mask } };
    expect(read?.body["spec"]).toEqual(masked);
    expect(applied?.body["metadata"].generation).toBe(3);
    const described = formatDescription({
      kind: vaults,
      resource: read?.body as unknown as Resource,
      events: [],
      now: new Date(),
    });
    const stored = await postgres.query(databaseUrl, DUMP);
    expect(stored).toContain("Vault");
    expect(JSON.stringify([answers.map(({ body }) => body), described, stored])).not.toContain(value);
  });

  it("keeps its value when what was read is applied", async () => {
    const { body } = await rest.send("GET", "/api/v1/vaults/v");
    expect((await apply(body, "m", "&force=true")).headers.get("mcpctl-result")).toBe("unchanged");
    const changed = await apply({ ...body, spec: { ...body["spec"], colour: "blue" } }, "m", "&force=true");
    expect(changed.headers.get("mcpctl-result")).toBe("configured");
    const same = vault({ colour: "blue", password: `${value}1`, nested: { token: `${value}6` } });
    expect((await apply(same, "m", "&force=true")).headers.get("mcpctl-result")).toBe("unchanged");
  });

  it("lets nobody read a row that was changed behind mcpd", async () => {
    await postgres.query(
      databaseUrl,
      "update secrets set sealed_values = jsonb_set(sealed_values, '{password}', sealed_values -> 'optional')",
    );
    const refused = await apply(vault({ colour: "red" }), "m", "&force=true");
    expect(refused).toMatchObject({ status: 503, body: { code: "secrets-key-unusable" } });
  });
});

/** Every row of every table of ours, as text. */
const DUMP = `
  select query_to_xml(format('select * from %I', tablename), true, false, '')::text
  from pg_tables where schemaname = 'public'`;

it("no kind has a mark where its value could not be kept apart", () => {
  const inList = (schema: z.core.JSONSchema.BaseSchema, isList: boolean): boolean =>
    (isList && schema["secret"] === true) ||
    [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
      .flat()
      .some((part) => typeof part === "object" && inList(part, isList || part === schema.items));
  for (const kind of KINDS) {
    expect([kind.kind, inList(z.toJSONSchema(kind.spec, { io: "input" }), false)]).toEqual([kind.kind, false]);
    expect([kind.kind, JSON.stringify(z.toJSONSchema(kind.status)).includes('"secret":')]).toEqual([kind.kind, false]);
  }
});
