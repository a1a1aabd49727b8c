/** Bundles the programs into dist/, one flat folder: a file finds its worker as a sibling, as it does in src. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { findPreparedCluster, makeCluster } from "./prepared-cluster.ts";

const PROGRAMS = {
  mcpctl: "src/cli/src/main.ts",
  mcpd: "src/mcpd/src/main.ts",
  mcplocal: "src/mcplocal/src/main.ts",
  "mcplocal-serve": "src/mcplocal/src/serve.ts",
};
/** What a program is started by: code that was compiled at an earlier start is read instead of compiled again. */
const toLauncher = (program: string) => `#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
try {
  enableCompileCache(join(homedir(), ".cache", "mcpctl", "compiled"));
} catch {
  // Who has no home has no cache.
}
await import("./${program}-main.js");
`;
const WORKERS = {
  "pglite-worker": "src/mcpd/src/repositories/pglite-worker.ts",
};

/** Native or WebAssembly packages, and servers that run as programs of their own. */
const EXTERNAL = ["@electric-sql/pglite", "@node-rs/argon2", "@modelcontextprotocol/server-*"];
/** Optional dependencies of bundled packages that nobody installs. */
const ABSENT = ["pg-native"];

/** CommonJS packages (fastify, pino, pg) call require, which an ES module does not have. */
const BANNER =
  'import { createRequire as createRequireOfBundle } from "node:module";\n' +
  "const require = createRequireOfBundle(import.meta.url);";

/** A new cluster of the embedded database, for first starts; `mcpd` looks for it beside its bundle. */
const CLUSTER = "prepared-cluster.zst";

/**
 * An ES import of node:http reads all that it exports, and so loads the fetch of Node as well, for the `WebSocket` that
 * it has from there: a tenth of a start.
 */
const HTTP_WITHOUT_FETCH: Plugin = {
  name: "http-without-fetch",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

const root = join(import.meta.dirname, "..");
const DIST = join(root, "dist");
const outputFolder = process.argv[2] ?? DIST;

async function bundle(entryPoints: Record<string, string>): Promise<Metafile["outputs"]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: outputFolder,
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.19",
    minifyWhitespace: true,
    minifySyntax: true,
    external: [...EXTERNAL, ...ABSENT],
    plugins: [HTTP_WITHOUT_FETCH],
    banner: { js: BANNER },
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
  });
  return Object.fromEntries(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
}

/** Lists what loads together with an output: its static imports and, when `hasLazy`, what it loads on demand. */
function listLoaded(outputs: Metafile["outputs"], name: string, hasLazy: boolean, seen = new Set<string>()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const { path, kind, external } of outputs[name]?.imports ?? []) {
    if (external !== true && (hasLazy || kind !== "dynamic-import")) listLoaded(outputs, basename(path), hasLazy, seen);
  }
  return seen;
}

function printSizes(outputs: Metafile["outputs"], name: string) {
  const sum = (names: Iterable<string>) => [...names].reduce((bytes, each) => bytes + (outputs[each]?.bytes ?? 0), 0);
  const atStart = sum(listLoaded(outputs, name, false));
  const onDemand = sum(listLoaded(outputs, name, true)) - atStart;
  const toKb = (bytes: number) => `${Math.ceil(bytes / 1000)} kB`;
  process.stdout.write(`${name} ${toKb(atStart)}${onDemand > 0 ? ` and ${toKb(onDemand)} on demand` : ""}\n`);
}

interface Manifest {
  version: string;
  license: string;
  engines: Record<string, string>;
  dependencies?: Record<string, string>;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Makes the folder a package that npm can install: the bundles, and exact versions of what they leave outside. */
function writeManifest(programs: string[]) {
  const { version, license, engines, dependencies = {} } = readManifest(root);
  const installed = Object.keys(dependencies).map((name) => [
    name,
    readManifest(join(root, "node_modules", name)).version,
  ]);
  const manifest = {
    name: "mcpctl",
    version,
    license,
    type: "module",
    engines,
    bin: Object.fromEntries(programs.map((name) => [name, `./${name}.js`])),
    dependencies: Object.fromEntries(installed),
  };
  writeFileSync(join(outputFolder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Removes what an earlier build left; a folder that the caller named may hold other things. */
function prune(outputs: Metafile["outputs"]) {
  if (outputFolder !== DIST) return;
  for (const name of readdirSync(outputFolder)) {
    const isKept = name === "package.json" || name === CLUSTER || outputs[name] !== undefined;
    if (!isKept) rmSync(join(outputFolder, name), { recursive: true });
  }
}

/** Made once for each version of the engine: it takes seconds, and two that are made anew are never equal. */
async function writeCluster(): Promise<void> {
  const prepared = findPreparedCluster([join(outputFolder, CLUSTER), join(DIST, CLUSTER)]) ?? (await makeCluster());
  writeFileSync(join(outputFolder, CLUSTER), prepared);
}

function writeLauncher(name: string): void {
  const path = join(outputFolder, `${name}.js`);
  writeFileSync(path, toLauncher(name));
  chmodSync(path, 0o755);
}

const mains = Object.fromEntries(Object.entries(PROGRAMS).map(([name, path]) => [`${name}-main`, path]));
const entries = { ...mains, ...WORKERS };
const outputs = await bundle(entries).catch((error: unknown) => {
  // esbuild has printed what is wrong, with its place.
  if (error instanceof Error && "errors" in error) process.exit(1);
  throw error;
});
const programs = Object.keys(PROGRAMS);
mkdirSync(outputFolder, { recursive: true });
prune(outputs);
writeManifest(programs);
for (const name of programs) writeLauncher(name);
await writeCluster();
for (const name of Object.keys(entries)) printSizes(outputs, `${name}.js`);
