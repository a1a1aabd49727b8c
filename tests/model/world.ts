import { atom, type Binding, type Rights, rightsOf, unite } from "./rights.ts";

export interface Subject {
  kind: "User" | "Group" | "McpToken";
  name: string;
}

export interface Definition {
  subjects: Subject[];
  bindings: Binding[];
}

export interface ModelToken {
  name: string;
  project: string;
  sha: string;
  creator: string;
  bearer: string;
}

/** Whoever asks: a user by name, or a token. */
export type Actor = { user: string } | { token: ModelToken };

/** What a control plane should know after what was done to it. */
export class World {
  readonly groups = new Map<string, Set<string>>();
  readonly definitions = new Map<string, Definition>();
  readonly tokens = new Map<string, ModelToken>();
  readonly disabled = new Set<string>();

  rightsOfUser(user: string): Rights {
    return this.#granted(({ kind, name }) =>
      kind === "User" ? name === user : kind === "Group" && (this.groups.get(name)?.has(user) ?? false),
    );
  }

  rightsOfGroup(group: string): Rights {
    return this.#granted(({ kind, name }) => kind === "Group" && name === group);
  }

  /** Of the token and of its creator, without what no token may; and the use of its own project. */
  rightsOfToken({ sha, creator, project }: ModelToken): Rights {
    const creators = this.rightsOfUser(creator);
    const own = this.#granted(({ kind, name }) => kind === "McpToken" && name === sha);
    const both = own.intersection(creators);
    const kept = new Set(
      [...both].filter((each) => !each.startsWith("grant ") && each !== atom("use", "projects", project)),
    );
    return creators.has(atom("get", "projects", project)) ? kept.add(atom("use", "projects", project)) : kept;
  }

  /** What definitions say for an actor, whether its creator has it or not. */
  grantedTo(actor: Actor): Rights {
    if ("user" in actor) return this.rightsOfUser(actor.user);
    return this.#granted(({ kind, name }) => kind === "McpToken" && name === actor.token.sha);
  }

  rightsOf(actor: Actor): Rights {
    return "user" in actor ? this.rightsOfUser(actor.user) : this.rightsOfToken(actor.token);
  }

  /** Whether the actor is let in at all. */
  isKnown(actor: Actor): boolean {
    if ("user" in actor) return !this.disabled.has(actor.user);
    return this.tokens.has(actor.token.sha) && !this.disabled.has(actor.token.creator);
  }

  covers(actor: Actor, bindings: readonly Binding[]): boolean {
    return unite(bindings.map(rightsOf)).isSubsetOf(this.rightsOf(actor));
  }

  endToken({ sha }: ModelToken): void {
    this.tokens.delete(sha);
    for (const [name, { subjects }] of this.definitions) {
      if (name.startsWith("mcptoken.") && subjects.some((subject) => subject.name === sha))
        this.definitions.delete(name);
    }
  }

  #granted(isMeant: (subject: Subject) => boolean): Rights {
    const meant = [...this.definitions.values()].filter(({ subjects }) => subjects.some(isMeant));
    return unite(meant.flatMap(({ bindings }) => bindings.map(rightsOf)));
  }
}
