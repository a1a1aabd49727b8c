import { McpctlError } from "@mcpctl/shared/errors.ts";

export const DEFAULT_SERVER = "http://127.0.0.1:7400";

/**
 * Checks and normalises the address of mcpd; credentials are filed under the result.
 *
 * @param source - where it was written, such as `--server`.
 * @throws {McpctlError} `invalid`
 */
export function parseServerUrl(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    const guess = `http://${text}`;
    throw invalidUrl(source, "must be an http or https URL", {
      hint: URL.canParse(guess) && !text.includes("://") ? `Did you mean ${guess}?` : `For example ${DEFAULT_SERVER}`,
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw invalidUrl(source, "must not hold credentials", { hint: "Write it without them, then run: mcpctl login" });
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function invalidUrl(source: string, why: string, { hint }: { hint: string }): McpctlError {
  return new McpctlError("invalid", `${source} ${why}`, { hint });
}

/** Whether what is sent there can be read on the way. */
export function isPlainRemote(serverUrl: string): boolean {
  const { protocol, hostname } = new URL(serverUrl);
  return protocol === "http:" && hostname !== "localhost" && hostname !== "[::1]" && !hostname.startsWith("127.");
}

export function isWebUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}
