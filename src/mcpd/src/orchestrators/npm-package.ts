import { createRequire } from "node:module";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve as resolvePath } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type OnSlowStep, watchStep } from "@mcpctl/shared/slow-step.ts";
import * as z from "zod";
import { readDataDirId } from "./data-dir-id.ts";
import { installNpmPackage } from "./npm-install.ts";
import { INSTANCE_MARKER } from "./stray-processes.ts";

export interface NpmPackage {
  npm: string;
  version: string;
}

/** How to run a package: the executable that the package names, under the Node that runs mcpd. */
export interface NpmProgram {
  command: string;
  args: string[];
}

export interface NpmPackages {
  /**
   * Finds the program of a package, and installs the package where it is nowhere yet.
   *
   * @throws {McpctlError} `upstream-unavailable` when it cannot be installed; `invalid` when it does not say which of its
   *   executables to run.
   */
  resolve(wanted: NpmPackage): Promise<NpmProgram>;
  /** Ends installations that are under way; who waits for them fails. */
  close(): void;
}

export interface NpmPackagesDeps {
  /** Packages are installed below it. */
  dataDir: string;
  /** Directories whose installed packages are used where they have just the version that is wanted. */
  packageRoots: readonly string[];
  /** The operator's environment, for npm alone: registry, credentials, proxies. */
  installEnv: Readonly<Record<string, string | undefined>>;
  installTimeoutSeconds?: number;
  onSlowStep?: OnSlowStep;
}

const INSTALL_TIMEOUT_SECONDS = 180;
const TEMPORARY = ".installing-";

/** Resolves npm packages to programs; never by `npx`, never through a shell, never running their install scripts. */
export function createNpmPackages(deps: NpmPackagesDeps): NpmPackages {
  const { packageRoots, installEnv, installTimeoutSeconds = INSTALL_TIMEOUT_SECONDS } = deps;
  const { onSlowStep = () => undefined } = deps;
  const dataDir = resolvePath(deps.dataDir);
  const packagesDir = join(dataDir, "packages");
  const underWay = new Map<string, Promise<NpmProgram>>();
  const closing = new AbortController();
  let hasTidied = false;

  async function findOrInstall(wanted: NpmPackage): Promise<NpmProgram> {
    const home = join(packagesDir, `${wanted.npm}@${wanted.version}`);
    const found = (await findInRoots(packageRoots, wanted)) ?? (await readPackage(packageDirOf(home, wanted), wanted));
    if (found) return programOf(found, wanted);
    await install(wanted, home);
    const installed = await readPackage(packageDirOf(home, wanted), wanted);
    if (installed) return programOf(installed, wanted);
    throw new McpctlError("upstream-unavailable", `npm installed something else than ${wanted.npm}@${wanted.version}`);
  }

  /** Installed beside its place and moved there as a whole: half a package never looks like one. */
  async function install(wanted: NpmPackage, home: string): Promise<void> {
    await mkdir(dirname(home), { recursive: true });
    if (!hasTidied) await removeLeftovers(packagesDir);
    hasTidied = true;
    const directory = await mkdtemp(join(packagesDir, TEMPORARY));
    const env = { ...installEnv, [INSTANCE_MARKER]: `${readDataDirId(dataDir)}/npm` };
    try {
      const options = { directory, env, timeoutSeconds: installTimeoutSeconds, signal: closing.signal };
      const name = `${wanted.npm}@${wanted.version}`;
      await watchStep(`Installing ${name}`, installNpmPackage(name, options), onSlowStep);
      await rm(home, { recursive: true, force: true });
      await rename(directory, home);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  return {
    resolve(wanted) {
      const key = `${wanted.npm}@${wanted.version}`;
      const running = underWay.get(key);
      if (running) return running;
      const started = findOrInstall(wanted).finally(() => underWay.delete(key));
      underWay.set(key, started);
      return started;
    },
    close: () => closing.abort(),
  };
}

/** What an earlier life of this mcpd was installing when it died. */
async function removeLeftovers(packagesDir: string): Promise<void> {
  const leftovers = (await readdir(packagesDir)).filter((name) => name.startsWith(TEMPORARY));
  await Promise.all(leftovers.map((name) => rm(join(packagesDir, name), { recursive: true, force: true })));
}

const manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
});

interface FoundPackage {
  directory: string;
  bin: z.output<typeof manifest>["bin"];
}

/** As Node resolves a package from a root, but past its `exports`, which may hide its package.json. */
async function findInRoots(roots: readonly string[], wanted: NpmPackage): Promise<FoundPackage | undefined> {
  for (const root of roots) {
    const searched = createRequire(resolvePath(root, "package.json")).resolve.paths(wanted.npm) ?? [];
    for (const directory of searched) {
      const found = await readPackage(join(directory, wanted.npm), wanted);
      if (found) return found;
    }
  }
  return undefined;
}

function packageDirOf(home: string, { npm }: NpmPackage): string {
  return join(home, "node_modules", npm);
}

/** @returns undefined when there is no such package, or another version of it. */
async function readPackage(directory: string, { npm, version }: NpmPackage): Promise<FoundPackage | undefined> {
  const text = await readFile(join(directory, "package.json"), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : manifest.safeParse(parseJson(text)).data;
  if (parsed?.name !== npm || parsed.version !== version) return undefined;
  return { directory, bin: parsed.bin };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function programOf({ directory, bin }: FoundPackage, wanted: NpmPackage): NpmProgram {
  const path = typeof bin === "string" ? bin : chooseExecutable(bin ?? {}, wanted);
  return { command: process.execPath, args: [join(directory, path)] };
}

function chooseExecutable(executables: Readonly<Record<string, string>>, { npm, version }: NpmPackage): string {
  const names = Object.keys(executables);
  const own = npm.slice(npm.indexOf("/") + 1);
  const path = executables[own] ?? (names.length === 1 ? Object.values(executables)[0] : undefined);
  if (path !== undefined) return path;
  const what = names.length === 0 ? "has no executable" : `has several executables: ${names.join(", ")}`;
  throw new McpctlError("invalid", `Package ${npm}@${version} ${what}`, {
    hint: "Install it on the host of mcpd and run the one that you mean with spec.command",
  });
}
