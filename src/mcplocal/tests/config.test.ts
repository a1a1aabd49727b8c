import { describe, expect, it } from "vitest";
import { helpText, readConfig } from "../src/config.ts";

const read = (argv: string[], env: Record<string, string> = {}) => readConfig({ argv, env });

describe("readConfig", () => {
  it("has a default for everything that is needed", () => {
    expect(read([])).toEqual({
      listen: { host: "127.0.0.1", port: 7_420 },
      mcpdUrl: "http://127.0.0.1:7400",
      allowedHosts: [],
      allowedOrigins: [],
      auditSpoolBytes: 512_000_000,
      auth: "token",
      graceSeconds: 30,
      maxConnections: 16_384,
      maxConnectionsPerAddress: 4_096,
      logLevel: "info",
    });
  });

  it("prefers flags to variables", () => {
    const env = {
      MCPLOCAL_LISTEN: "0.0.0.0:1",
      MCPLOCAL_GRACE_SECONDS: "7",
      MCPLOCAL_ALLOWED_HOSTS: "a.test, b.test:8443,,",
    };
    expect(read(["--listen", "[::1]:2", "--log-level=warn"], env)).toMatchObject({
      listen: { host: "::1", port: 2 },
      graceSeconds: 7,
      allowedHosts: ["a.test", "b.test:8443"],
      logLevel: "warn",
    });
  });

  it("is not confused by what Kubernetes puts into the environment for a service of its name", () => {
    const env = {
      MCPLOCAL_PORT: "tcp://10.0.0.1:7420",
      MCPLOCAL_SERVICE_HOST: "10.0.0.1",
      MCPLOCAL_SERVICE_PORT: "7420",
    };
    expect(read([], env).listen).toEqual({ host: "127.0.0.1", port: 7_420 });
  });

  it.each<[string[], string]>([
    [["--lisen", ":1"], "Did you mean --listen?"],
    [["--listen"], "needs a value"],
    [["--listen", "nowhere"], "--listen"],
    [["--mcpd-url", "ftp://x"], "--mcpd-url"],
    [["--grace-seconds", "-1"], "--grace-seconds"],
    [["--auth", "none"], "is needed with --auth none"],
    [["--auth", "none", "--project", "demo", "--listen", "0.0.0.0:1"], "may be none only on a loopback address"],
    [["--project", "demo"], "belongs to --auth none"],
    [["--log-level", "loud"], "--log-level"],
  ])("refuses %j", (argv, message) => {
    let said = "";
    try {
      read(argv);
    } catch (thrown) {
      const { code, message: what, hint } = thrown as { code: string; message: string; hint?: string };
      said = `${code} ${what} ${hint}`;
    }
    expect(said).toContain("config-invalid");
    expect(said).toContain(message);
  });

  it("explains every option", () => {
    for (const option of ["--listen", "--mcpd-url", "--credential", "--auth", "--project", "MCPLOCAL_LOG_LEVEL"]) {
      expect(helpText()).toContain(option);
    }
  });
});
