import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

describe("readConfig", () => {
  it("reads what the environment has, and counts empty as absent", () => {
    const env = {
      MCPCTL_SERVER: "http://a",
      MCPCTL_TOKEN: "",
      MCPCTL_MCP_TOKEN: "t",
      MCPCTL_PROJECT: "demo",
      MCPCTL_CONFIG_DIR: "/etc/x",
      PATH: "/bin",
    };
    expect(readConfig("/usr/bin/mcpctl", env)).toEqual({
      server: "http://a",
      token: undefined,
      mcpToken: "t",
      project: "demo",
      directory: "/etc/x",
      stateDirectory: join(homedir(), ".local", "state", "mcpctl"),
      cliCommand: "mcpctl",
      childEnvironment: { ...env, PATH: `${dirname(process.execPath)}${delimiter}/bin` },
    });
  });

  it("keeps its files where the desktop says", () => {
    expect(readConfig("mcpctl", { XDG_CONFIG_HOME: "/home/a/cfg" }).directory).toBe("/home/a/cfg/mcpctl");
    expect(readConfig("mcpctl", {}).directory).toBe(join(homedir(), ".config", "mcpctl"));
  });

  it("knows how it was called", () => {
    const pnpm = { npm_config_user_agent: "pnpm/12.1.0 npm/? node/v24.0.0 linux x64", npm_lifecycle_event: "start" };
    expect(readConfig("/x/src/main.ts", pnpm).cliCommand).toBe("npx pnpm@12 mcpctl");
    expect(readConfig(join(process.cwd(), "src", "main.ts"), {}).cliCommand).toBe(`node ${join("src", "main.ts")}`);
  });
});
