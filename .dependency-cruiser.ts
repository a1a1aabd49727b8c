import type { IConfiguration, IReachabilityForbiddenRuleType, IRegularForbiddenRuleType } from "dependency-cruiser";

type Rule = IRegularForbiddenRuleType | IReachabilityForbiddenRuleType;

/** `insteadOf` is what people read when the rule bites, so it says what to do, not what is forbidden. */
function forbid(name: string, insteadOf: string, from: Rule["from"], to: Rule["to"]): Rule {
  return { name, severity: "error", comment: insteadOf, from, to };
}

const PROGRAM_SOURCES = "^src/[^/]+/src/";
const ENTRIES = "^src/[^/]+/src/(main|serve)\\.ts$";
/** Entry files, and what they start by URL as a worker or a process. */
const STARTED_BY_NODE = [ENTRIES, "^src/mcpd/src/repositories/pglite-worker\\.ts$"];

/** Matches a package whether it resolved into node_modules or, undeclared by its importer, did not resolve at all. */
function packages(...names: string[]) {
  return `(^|/node_modules/)(${names.join("|")})(/|$)`;
}

/** Lets only the modules that match `home` import these packages. */
function onlyIn(home: string, ...names: string[]) {
  return [{ path: PROGRAM_SOURCES, pathNot: home }, { path: packages(...names) }] as const;
}

/** Matches our own packages, also where an importer that does not declare them leaves their name unresolved. */
function ours(...names: string[]) {
  return [`^src/(${names.join("|")})/`, `^@mcpctl/(${names.join("|")})/`];
}

const betweenPackages: Rule[] = [
  forbid(
    "shared-imports-nobody",
    "Shared is the bottom layer: move the contract down into shared, or the code that needs more out of it.",
    { path: "^src/shared/src/" },
    { path: ours("cli", "mcpd", "mcplocal", "up") },
  ),
  forbid(
    "shared-runs-anywhere",
    "Take the capability as a parameter; only tokens/ may use a Node built-in.",
    { path: "^src/shared/src/", pathNot: "^src/shared/src/tokens/" },
    { dependencyTypes: ["core"] },
  ),
  forbid(
    "shared-tokens-use-only-crypto",
    "Take the capability as a parameter; node:crypto is the one built-in that shared knows.",
    { path: "^src/shared/src/tokens/" },
    { dependencyTypes: ["core"], pathNot: "^crypto$" },
  ),
  forbid(
    "programs-meet-on-the-wire",
    "Put the contract into shared and reach the other program over HTTP or MCP; only src/up starts them together.",
    { path: "^src/(cli|mcpd|mcplocal)/src/" },
    { path: ours("cli", "mcpd", "mcplocal"), pathNot: "^src/$1/" },
  ),
  forbid(
    "up-is-the-top",
    "Take what you need as a parameter; src/up passes it in.",
    { path: "^src/(mcpd|mcplocal)/src/" },
    { path: ours("up") },
  ),
  forbid(
    "up-never-imports-cli",
    "Return data or take a callback; the command that loaded src/up prints it.",
    { path: "^src/up/src/" },
    { path: ours("cli") },
  ),
  forbid(
    "cli-loads-up-lazily",
    'Write await import("@mcpctl/up/…") inside run(), so that every other command starts without it.',
    { path: "^src/cli/src/" },
    { path: ours("up"), dependencyTypesNot: ["dynamic-import", "type-only"] },
  ),
];

const insidePackages: Rule[] = [
  forbid(
    "routes-go-through-services",
    "Call a service: rules and permissions live there, and it alone talks to repositories.",
    { path: "^src/mcpd/src/routes/" },
    { path: "^src/mcpd/src/repositories/" },
  ),
  forbid(
    "services-never-know-http",
    "Throw a McpctlError or return data; the route renders it.",
    { path: "^src/mcpd/src/services/" },
    { path: "^src/mcpd/src/routes/" },
  ),
  forbid(
    "repositories-know-nobody-above",
    "Move the type into shared or beside the repository, and the rule into a service.",
    { path: "^src/mcpd/src/repositories/" },
    { path: "^src/mcpd/src/(routes|services)/" },
  ),
  forbid(
    "loops-never-know-http",
    "Move what both need into a service.",
    { path: "^src/mcpd/src/(orchestrators|reconcilers)/" },
    { path: "^src/mcpd/src/routes/" },
  ),
  forbid(
    "stages-are-strangers",
    "Move what both need into pipeline/, and the list of stages into the entry file.",
    { path: "^src/mcplocal/src/pipeline/stages/([^/.]+)" },
    { path: "^src/mcplocal/src/pipeline/stages/", pathNot: "^src/mcplocal/src/pipeline/stages/$1(/|\\.ts$)" },
  ),
  forbid(
    "commands-are-strangers",
    "Move what both need into cli/src/, outside commands/; rbac-bindings.ts is a parser and no command.",
    { path: "^src/cli/src/commands/([^/.]+)" },
    {
      path: "^src/cli/src/commands/",
      pathNot: ["^src/cli/src/commands/$1(/|\\.ts$)", "^src/cli/src/commands/rbac-bindings\\.ts$"],
    },
  ),
];

const oneHome: Rule[] = [
  forbid(
    "one-file-knows-fastify",
    "Describe the route as data; mcpd/src/routes/app.ts binds it.",
    ...onlyIn("^src/mcpd/src/routes/app\\.ts$", "fastify", "@fastify/[^/]+"),
  ),
  forbid(
    "one-file-knows-commander",
    "Define the command with defineCommand; cli/src/bind-command.ts binds it.",
    ...onlyIn("^src/cli/src/bind-command\\.ts$", "commander"),
  ),
  forbid(
    "only-repositories-know-sql",
    "Add a function to a repository and take it as a parameter.",
    ...onlyIn("^src/mcpd/src/repositories/", "pg", "kysely", "@electric-sql/[^/]+"),
  ),
  forbid(
    "only-the-relay-dials-with-undici",
    "Take fetch or an upstream as a parameter; the gateway's connections live in upstreams/http1/.",
    ...onlyIn("^src/mcpd/src/relay/", "undici"),
  ),
  forbid(
    "one-folder-knows-openid",
    "Take an OidcProvider as a parameter; mcpd/src/oidc/ alone speaks with the provider.",
    ...onlyIn("^src/mcpd/src/oidc/", "openid-client", "oauth4webapi", "jose"),
  ),
  forbid(
    "nobody-imports-the-sdk",
    "The gateway speaks MCP itself; the SDK is for tests. Servers of the demo are found by path, not imported.",
    { path: PROGRAM_SOURCES },
    { path: packages("@modelcontextprotocol/[^/]+") },
  ),
];

const everywhere: Rule[] = [
  forbid("no-circular", "Move what both need into a third file below them.", {}, { circular: true }),
  forbid(
    "nobody-imports-an-entry",
    "Take the dependency as a parameter; the entry file passes it in. Shared wiring goes into a file of its own.",
    {},
    { path: ENTRIES },
  ),
  forbid(
    "programs-never-import-tests",
    "Move what the program needs into its src.",
    { path: PROGRAM_SOURCES },
    { path: ["^tests/", "^src/[^/]+/tests/", "^scripts/", "^bench/"] },
  ),
  forbid(
    "no-dead-files",
    "Import the file from something that an entry file reaches, or delete it; what only tests need lives in tests.",
    { path: STARTED_BY_NODE },
    { path: PROGRAM_SOURCES, pathNot: STARTED_BY_NODE, reachable: false },
  ),
  forbid(
    "names-say-what-is-inside",
    "Name the file after its main export; a drawer called utils attracts everything.",
    {},
    { path: "[/.-](util|utils|helper|helpers|common|manager|base)\\.ts$", pathNot: "node_modules" },
  ),
  forbid(
    "imports-resolve",
    "Fix the path or declare the package: an import that does not resolve slips past every other rule.",
    {},
    { couldNotResolve: true },
  ),
];

export default {
  forbidden: [...betweenPackages, ...insidePackages, ...oneHome, ...everywhere],
  options: {
    parser: "tsc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
    },
  },
} satisfies IConfiguration;
