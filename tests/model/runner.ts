import { expect } from "vitest";
import type { Answer, Rest } from "../support/rest.ts";
import { actionAtom, ANY_OTHER, atom, type Binding, NAMES } from "./rights.ts";
import { GROUPS, PROJECTS, type Step, USERS } from "./steps.ts";
import { type Actor, type ModelToken, World } from "./world.ts";

const PASSWORD = "a password for a test";
const ADMIN: Binding[] = [{ role: "admin", resource: "*" }];
/** What everybody may, so that there are tokens of people who may little else. */
const MINTERS: Binding[] = [
  { role: "create", resource: "mcptokens" },
  { role: "view", resource: "projects" },
];
const GRANTED = [200, 201];
const REFUSED = [403, 404];

/** Does what a program says to a control plane and to the model, and compares what becomes of it. */
export class Runner {
  readonly #rest: Rest;
  /** Bearers of the sessions of all users. */
  #sessions = new Map<string, string>();
  #world = new World();
  #minted = 0;
  /** Steps done, and how many of them the model allowed. */
  readonly counts = { steps: 0, allowed: 0 };

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** Makes people, groups, projects and servers; once. */
  async prepare(): Promise<void> {
    const { send } = this.#rest;
    for (const name of USERS.slice(1)) {
      await send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
      await send("PUT", `/api/v1/users/${name}/password`, { password: PASSWORD });
    }
    for (const name of GROUPS) await send("POST", "/api/v1/groups", { kind: "Group", metadata: { name }, spec: {} });
    for (const name of PROJECTS)
      await send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec: {} });
    for (const name of [...NAMES, ANY_OTHER]) {
      await send("POST", "/api/v1/servers", {
        kind: "Server",
        metadata: { name },
        spec: { command: "x", replicas: 0 },
      });
    }
    this.#sessions.set("admin", this.#rest.admin);
    for (const user of USERS.slice(1)) await this.#logIn(user);
  }

  /** Takes everything back that a program may have done. */
  async reset(): Promise<void> {
    const { send } = this.#rest;
    for (const [name] of this.#world.definitions) if (name !== "admin") await send("DELETE", `/api/v1/rbac/${name}`);
    for (const { name, project } of this.#world.tokens.values()) {
      await send("DELETE", `/api/v1/mcptokens/${name}?project=${project}`);
    }
    for (const name of this.#world.groups.keys()) await this.#putGroup(name, []);
    for (const user of this.#world.disabled) await this.#enable(user);
    this.#world = new World();
    const admin = { subjects: [{ kind: "User" as const, name: "admin" }], bindings: ADMIN };
    this.#world.definitions.set("admin", admin);
    const minters = { subjects: USERS.slice(1).map((name) => ({ kind: "User" as const, name })), bindings: MINTERS };
    await send("POST", "/api/v1/rbac", {
      kind: "RbacDefinition",
      metadata: { name: "minters" },
      spec: { subjects: minters.subjects, roleBindings: MINTERS },
    });
    this.#world.definitions.set("minters", minters);
  }

  async run(program: readonly Step[]): Promise<void> {
    await this.reset();
    for (const step of program) {
      this.counts.steps += 1;
      await this.#do(step);
    }
  }

  #do(step: Step): Promise<void> {
    switch (step.do) {
      case "define":
        return this.#define(step);
      case "undefine":
        return this.#undefine(step);
      case "members":
        return this.#setMembers(step);
      case "mint":
        return this.#mint(step);
      case "revoke":
      case "delete-token":
        return this.#end(step);
      case "disable":
        return this.#disable(step);
      case "ask":
        return this.#ask(step);
      case "ask-granted":
        return this.#askGranted(step);
      case "ask-action":
        return this.#askAction(step);
      case "list":
        return this.#list(step);
    }
  }

  async #define({ who, name, subject, bindings }: Extract<Step, { do: "define" }>): Promise<void> {
    const meant = this.#subject(subject);
    if (!meant) return;
    const actor = this.#actor(who);
    const before = this.#world.definitions.get(name);
    const manifest = {
      kind: "RbacDefinition",
      metadata: { name },
      spec: { subjects: [meant], roleBindings: bindings },
    };
    const answer = before
      ? await this.#send(actor, "PUT", `/api/v1/rbac/${name}`, manifest)
      : await this.#send(actor, "POST", "/api/v1/rbac", manifest);
    const right = before ? atom("update", "rbac", named(name)) : atom("create", "rbac");
    const isAllowed = "user" in actor && this.#may(actor, right) && this.#world.covers(actor, bindings);
    this.#compare(answer, actor, isAllowed);
    if (isAllowed) this.#world.definitions.set(name, { subjects: [meant], bindings });
  }

  async #undefine({ who, name }: Extract<Step, { do: "undefine" }>): Promise<void> {
    if (!this.#world.definitions.has(name)) return;
    const actor = this.#actor(who);
    const answer = await this.#send(actor, "DELETE", `/api/v1/rbac/${name}`);
    const isAllowed = "user" in actor && this.#may(actor, atom("delete", "rbac", named(name)));
    this.#compare(answer, actor, isAllowed);
    if (isAllowed) this.#world.definitions.delete(name);
  }

  async #setMembers({ who, group, members }: Extract<Step, { do: "members" }>): Promise<void> {
    const actor = this.#actor(who);
    const before = this.#world.groups.get(group) ?? new Set();
    const manifest = { kind: "Group", metadata: { name: group }, spec: { members } };
    const answer = await this.#send(actor, "PUT", `/api/v1/groups/${group}`, manifest);
    const joins = members.some((member) => !before.has(member));
    const lends = this.#world.rightsOfGroup(group);
    const mayLend = "user" in actor && lends.isSubsetOf(this.#world.rightsOf(actor));
    const isAllowed = this.#may(actor, atom("update", "groups", named(group))) && (!joins || mayLend);
    this.#compare(answer, actor, isAllowed);
    if (isAllowed) this.#world.groups.set(group, new Set(members));
  }

  async #mint({ who, project, rights }: Extract<Step, { do: "mint" }>): Promise<void> {
    const actor = this.#actor(who);
    const name = `t${++this.#minted}`;
    const spec = Array.isArray(rights) ? { rbac: "explicit", roleBindings: rights } : { rbac: rights };
    const answer = await this.#send(actor, "POST", "/api/v1/mcptokens", {
      kind: "McpToken",
      metadata: { name, project },
      spec,
    });
    const isAllowed =
      "user" in actor &&
      this.#may(actor, atom("create", "mcptokens")) &&
      this.#may(actor, atom("get", "projects", project)) &&
      (!Array.isArray(rights) || this.#world.covers(actor, rights));
    this.#compare(answer, actor, isAllowed);
    if (!isAllowed) return;
    const { sha, definition } = answer.body["status"] as { sha: string; definition?: string };
    const token = { name, project, sha, creator: actor.user, bearer: String(answer.body["token"]) };
    this.#world.tokens.set(sha, token);
    if (definition === undefined) return;
    const bindings = Array.isArray(rights) ? rights : this.#bindingsOf(actor.user);
    this.#world.definitions.set(definition, { subjects: [{ kind: "McpToken", name: sha }], bindings });
  }

  async #end({ do: deed, who, which }: Extract<Step, { do: "revoke" | "delete-token" }>): Promise<void> {
    const token = this.#token(which);
    if (!token) return;
    const actor = this.#actor(who);
    const path = `/api/v1/mcptokens/${token.name}`;
    const query = `?project=${token.project}`;
    const answer = await (deed === "revoke"
      ? this.#send(actor, "POST", `${path}/revoke${query}`)
      : this.#send(actor, "DELETE", `${path}${query}`));
    const isAllowed = this.#may(actor, atom("delete", "mcptokens", ANY_OTHER));
    this.#compare(answer, actor, isAllowed);
    if (isAllowed) this.#world.endToken(token);
  }

  async #disable({ user, disabled }: Extract<Step, { do: "disable" }>): Promise<void> {
    if (disabled) {
      expect((await this.#putUser(user, true)).status).toBe(200);
      this.#world.disabled.add(user);
    } else if (this.#world.disabled.delete(user)) await this.#enable(user);
  }

  /** Who was disabled has lost all sessions. */
  async #enable(user: string): Promise<void> {
    expect((await this.#putUser(user, false)).status).toBe(200);
    await this.#logIn(user);
  }

  async #logIn(user: string): Promise<void> {
    const { body } = await this.#rest.send("POST", "/api/v1/login", { user, password: PASSWORD }, { bearer: null });
    this.#sessions.set(user, String(body["token"]));
  }

  async #ask({ who, verb, resource, name }: Extract<Step, { do: "ask" }>): Promise<void> {
    const actor = this.#actor(who);
    const query = `verb=${verb}&resource=${resource}${name === "" ? "" : `&name=${name}`}`;
    // A list of a collection shows those that names allow; what it shows is compared by a step of its own.
    if ((verb === "list" || verb === "watch") && name === "") return;
    await this.#compareAnswer(actor, `/api/v1/auth/can-i?${query}`, atom(verb, resource, name));
  }

  async #askGranted({ who, which }: Extract<Step, { do: "ask-granted" }>): Promise<void> {
    const actor = this.#actor(who);
    const granted = [...this.#world.grantedTo(actor)].toSorted();
    const [verb = "", resource = "", name = ""] = granted[which % Math.max(1, granted.length)]?.split(" ") ?? [];
    if (verb === "" || resource === "*") return;
    if (verb === "run") return this.#askAction({ do: "ask-action", who, action: resource });
    return this.#ask({ do: "ask", who, verb, resource, name });
  }

  async #askAction({ who, action }: Extract<Step, { do: "ask-action" }>): Promise<void> {
    await this.#compareAnswer(this.#actor(who), `/api/v1/auth/can-i?verb=run&resource=${action}`, actionAtom(action));
  }

  async #compareAnswer(actor: Actor, path: string, right: string): Promise<void> {
    const { status, body } = await this.#send(actor, "GET", path);
    const isAllowed = this.#may(actor, right);
    if (this.#world.isKnown(actor))
      expect({ status, allowed: body["allowed"] }).toEqual({ status: 200, allowed: isAllowed });
    else expect(status).toBe(401);
    if (isAllowed) this.counts.allowed += 1;
  }

  async #list({ who }: Extract<Step, { do: "list" }>): Promise<void> {
    const actor = this.#actor(who);
    const { status, body } = await this.#send(actor, "GET", "/api/v1/servers");
    if (!this.#world.isKnown(actor)) return expect(status).toBe(401);
    const names = [...NAMES, ANY_OTHER].filter((name) => this.#may(actor, atom("list", "servers", name)));
    if (names.length === 0) return expect(status).toBe(403);
    const items = body["items"] as { metadata: { name: string } }[];
    expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
    this.counts.allowed += 1;
  }

  #compare({ status, body }: Answer, actor: Actor, isAllowed: boolean): void {
    const detail = JSON.stringify(body);
    if (!this.#world.isKnown(actor)) expect(status, detail).toBe(401);
    else expect(isAllowed ? GRANTED : REFUSED, `${status} ${detail}`).toContain(status);
    if (isAllowed) this.counts.allowed += 1;
  }

  #may(actor: Actor, right: string): boolean {
    return this.#world.isKnown(actor) && this.#world.rightsOf(actor).has(right);
  }

  /** Users and the tokens that there are, ended ones excepted, take turns. */
  #actor(who: number): Actor {
    const token = who % 2 === 1 ? this.#token(who >> 1) : undefined;
    return token ? { token } : { user: USERS[(who >> 1) % USERS.length] ?? "admin" };
  }

  #token(which: number): ModelToken | undefined {
    const tokens = [...this.#world.tokens.values()];
    return tokens[which % Math.max(1, tokens.length)];
  }

  #subject({ kind, which }: Extract<Step, { do: "define" }>["subject"]) {
    const names = { User: USERS, Group: GROUPS, McpToken: [...this.#world.tokens.keys()] }[kind];
    const name = names[which % Math.max(1, names.length)];
    return name === undefined ? undefined : { kind, name };
  }

  #bindingsOf(user: string): Binding[] {
    return [...this.#world.definitions.values()]
      .filter(({ subjects }) =>
        subjects.some(({ kind, name }) =>
          kind === "User" ? name === user : kind === "Group" && (this.#world.groups.get(name)?.has(user) ?? false),
        ),
      )
      .flatMap(({ bindings }) => bindings);
  }

  #send(actor: Actor, method: string, path: string, body?: unknown): Promise<Answer> {
    const bearer = "user" in actor ? this.#sessions.get(actor.user) : actor.token.bearer;
    return this.#rest.send(method, path, body, { bearer: bearer ?? null });
  }

  #putUser(name: string, disabled: boolean): Promise<Answer> {
    return this.#rest.send("PUT", `/api/v1/users/${name}`, { kind: "User", metadata: { name }, spec: { disabled } });
  }

  #putGroup(name: string, members: string[]): Promise<Answer> {
    return this.#rest.send("PUT", `/api/v1/groups/${name}`, { kind: "Group", metadata: { name }, spec: { members } });
  }
}

/** The name as atoms know it. */
function named(name: string): string {
  return NAMES.includes(name) ? name : ANY_OTHER;
}
