const PREFIX = "mcp+";

/** An address that belongs to one server, or its template. */
export interface OwnUri {
  server: string;
  uri: string;
}

/**
 * Gives every resource of a project the address that clients see: its own, and where servers share it, one that names
 * the server. All who share an address step aside, so that each replica finds the same whatever the order. What looks
 * like an address that names a server does so too, lest it be another's.
 *
 * @returns in the order of `own`.
 */
export function exposeUris(own: readonly OwnUri[]): string[] {
  const servers = new Map<string, Set<string>>();
  for (const { server, uri } of own) {
    const known = servers.get(uri);
    if (known) known.add(server);
    else servers.set(uri, new Set([server]));
  }
  return own.map((one) => {
    const isShared = (servers.get(one.uri)?.size ?? 0) > 1;
    return isShared || readWithServer(one.uri) ? withServer(one) : one.uri;
  });
}

/** The address that names its server. */
export function withServer({ server, uri }: OwnUri): string {
  return `${PREFIX}${server}:${uri}`;
}

/** @returns what `withServer` was given; undefined for any other address. */
export function readWithServer(exposed: string): OwnUri | undefined {
  if (!exposed.startsWith(PREFIX)) return undefined;
  const colon = exposed.indexOf(":");
  return colon < 0 ? undefined : { server: exposed.slice(PREFIX.length, colon), uri: exposed.slice(colon + 1) };
}

/**
 * A test for addresses that a template can make, where an expression stands for any text. It finds the owner of an
 * address, who then judges by itself. It takes time in proportion to the address, whatever the template.
 *
 * @see RFC 6570
 */
export function matcherOf(template: string): (uri: string) => boolean {
  const literals = template.split(/\{[^{}]*\}/);
  const [first = "", ...others] = literals;
  const last = others.pop();
  if (last === undefined) return (uri) => uri === first;
  return (uri) => {
    if (!uri.startsWith(first)) return false;
    let at = first.length;
    for (const literal of others) {
      const found = uri.indexOf(literal, at);
      if (found < 0) return false;
      at = found + literal.length;
    }
    return uri.length - last.length >= at && uri.endsWith(last);
  };
}
