import type { Json } from "@mcpctl/shared/json.ts";
import { isLoopback } from "../endpoint.ts";
import { isObject } from "../rpc.ts";

/** Where the metadata of an endpoint is when nobody says where. @see RFC 9728, section 3.1 */
export function wellKnownUrl(endpoint: URL): URL {
  return new URL(
    `/.well-known/oauth-protected-resource${endpoint.pathname === "/" ? "" : endpoint.pathname}`,
    endpoint,
  );
}

/** @see RFC 9728, sections 2 and 3.3 */
export function metadataFaults(metadata: Json | undefined, endpoint: URL): string[] {
  if (!isObject(metadata)) return ["it is no JSON object"];
  const { resource, authorization_servers: servers } = metadata;
  const isList = Array.isArray(servers) && servers.length > 0;
  const issuers = isList ? servers : [];
  return [
    ...(isResourceOf(resource, endpoint) ? [] : ["resource is not the address of the endpoint"]),
    ...(isList ? [] : ["authorization_servers names none"]),
    ...(issuers.every(isIssuer) ? [] : ["an authorization server has no https address"]),
  ];
}

/** The endpoint itself, or the server that it belongs to. */
function isResourceOf(resource: Json | undefined, endpoint: URL): boolean {
  if (typeof resource !== "string" || !URL.canParse(resource)) return false;
  const { origin, pathname } = new URL(resource);
  return origin === endpoint.origin && endpoint.pathname.startsWith(pathname.replace(/\/$/, ""));
}

function isIssuer(issuer: Json): boolean {
  if (typeof issuer !== "string" || !URL.canParse(issuer)) return false;
  const url = new URL(issuer);
  return url.protocol === "https:" || isLoopback(url);
}
