import { exposeUris, matcherOf, type OwnUri, readWithServer } from "./exposed-uris.ts";

/** A resource as its server knows it. */
export interface ResourceOwner<S> {
  source: S;
  uri: string;
}

interface Owned<S> extends OwnUri {
  source: S;
}

interface ResourceServer<S> {
  source: S;
  name: string;
  /** Whether it has resources at all, listed or not. */
  hasResources: boolean;
  uris: readonly string[];
  templates: readonly string[];
}

/** The addresses of a project's resources, as clients see them and as servers do. */
export interface ResourceTable<S> {
  /** For every server, in the order given. */
  exposed: readonly { uris: readonly string[]; templates: readonly string[] }[];
  /** Servers that share an address with another, so that what they say must be searched for it. */
  ambiguous: ReadonlySet<string>;
  /**
   * Who may have a resource: the one that lists it; else those with a template for it; else, because servers may speak
   * of resources that they do not list, everybody who has any.
   */
  ownersOf(uri: string): ResourceOwner<S>[];
  /** The address under which clients know a resource of a server. */
  exposedUri(own: OwnUri): string;
}

export function createResourceTable<S>(servers: readonly ResourceServer<S>[]): ResourceTable<S> {
  const uris = exposeEach(servers, ({ uris: own }) => own);
  const templates = exposeEach(servers, ({ templates: own }) => own);
  const listed = new Map<string, ResourceOwner<S>>();
  const renamed = new Map<string, string>();
  servers.forEach(({ source, name, uris: own }, at) => {
    own.forEach((uri, index) => {
      const exposed = uris[at]?.[index] ?? uri;
      listed.set(exposed, { source, uri });
      if (exposed !== uri) renamed.set(keyOf({ server: name, uri }), exposed);
    });
  });
  const matchers = servers.flatMap(({ source, name, templates: own }) =>
    own.map((template) => ({ source, server: name, matches: matcherOf(template) })),
  );

  function unlistedOwnersOf(uri: string): Owned<S>[] {
    const named = readWithServer(uri);
    const owner = named && servers.find(({ name, hasResources }) => hasResources && name === named.server);
    if (named && owner) return [{ ...named, source: owner.source }];
    const fitting = matchers.filter(({ matches }) => matches(uri));
    const candidates = fitting.length > 0 ? fitting.map(({ server }) => server) : servers.map(({ name }) => name);
    return servers
      .filter(({ name, hasResources }) => hasResources && candidates.includes(name))
      .map(({ source, name }) => ({ source, server: name, uri }));
  }

  return {
    exposed: servers.map((_, at) => ({ uris: uris[at] ?? [], templates: templates[at] ?? [] })),
    ambiguous: new Set([...renamed.keys()].map((key) => key.slice(0, key.indexOf("\n")))),
    ownersOf(uri) {
      const owner = listed.get(uri);
      return owner ? [owner] : unlistedOwnersOf(uri).map(({ source, uri: own }) => ({ source, uri: own }));
    },
    exposedUri: (own) => renamed.get(keyOf(own)) ?? own.uri,
  };
}

function exposeEach<S>(
  servers: readonly ResourceServer<S>[],
  ownOf: (server: ResourceServer<S>) => readonly string[],
): string[][] {
  const all = servers.flatMap((server) => ownOf(server).map((uri) => ({ server: server.name, uri })));
  const exposed = exposeUris(all);
  return servers.map(({ name }) => exposed.filter((_, index) => all[index]?.server === name));
}

function keyOf({ server, uri }: OwnUri): string {
  return `${server}\n${uri}`;
}
