import { exposeUris, matcherOf, type OwnUri, readWithServer, withServer } from "./exposed-uris.ts";

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
  /** @returns undefined when nobody has this template, as clients know it. */
  templateOwner(template: string): ResourceOwner<S> | undefined;
  /** The address under which clients know a resource of a server, also one that only a template speaks of. */
  exposedUri(own: OwnUri): string;
}

export function createResourceTable<S>(servers: readonly ResourceServer<S>[]): ResourceTable<S> {
  const uris = indexOf(servers, ({ uris: own }) => own);
  const templates = indexOf(servers, ({ templates: own }) => own);
  const matchers = servers.flatMap(({ source, name, templates: own }) =>
    own.map((template) => ({
      source,
      server: name,
      isRenamed: templates.exposedOf({ server: name, uri: template }) !== template,
      matches: matcherOf(template),
    })),
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
    exposed: servers.map((_, at) => ({ uris: uris.exposed[at] ?? [], templates: templates.exposed[at] ?? [] })),
    ambiguous: new Set([...uris.renamed, ...templates.renamed]),
    ownersOf(uri) {
      const owner = uris.owners.get(uri);
      return owner ? [owner] : unlistedOwnersOf(uri).map(({ source, uri: own }) => ({ source, uri: own }));
    },
    templateOwner: (template) => templates.owners.get(template),
    exposedUri(own) {
      const listed = uris.exposedOf(own);
      if (listed !== undefined) return listed;
      const isRenamed = matchers.some(
        ({ server, isRenamed: is, matches }) => is && server === own.server && matches(own.uri),
      );
      return isRenamed ? withServer(own) : own.uri;
    },
  };
}

/** Addresses of one sort, to be looked up from both sides. */
interface AddressIndex<S> {
  /** For every server, in the order given. */
  exposed: string[][];
  owners: ReadonlyMap<string, ResourceOwner<S>>;
  /** Servers of which an address is exposed as another. */
  renamed: ReadonlySet<string>;
  /** @returns undefined for what is not listed. */
  exposedOf(own: OwnUri): string | undefined;
}

function indexOf<S>(
  servers: readonly ResourceServer<S>[],
  ownOf: (server: ResourceServer<S>) => readonly string[],
): AddressIndex<S> {
  const exposed = exposeEach(servers, ownOf);
  const owners = new Map<string, ResourceOwner<S>>();
  const renamed = new Set<string>();
  const known = new Map<string, string>();
  servers.forEach((server, at) => {
    ownOf(server).forEach((uri, index) => {
      const address = exposed[at]?.[index] ?? uri;
      owners.set(address, { source: server.source, uri });
      known.set(keyOf({ server: server.name, uri }), address);
      if (address !== uri) renamed.add(server.name);
    });
  });
  return { exposed, owners, renamed, exposedOf: (own) => known.get(keyOf(own)) };
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
