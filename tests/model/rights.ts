/**
 * A second opinion on who may do what, written from the table of the design and sharing no code with the evaluator:
 * rights are sets of atoms, and everything else is union, intersection and difference.
 */

export type Binding =
  | { role: "view" | "create" | "delete" | "edit" | "run" | "admin"; resource: string; name?: string }
  | { role: "run"; action: string };

export const RESOURCES = ["servers", "projects", "mcptokens", "users", "groups", "rbac"];
export const NAMES = ["a", "b"];
export const ACTIONS = ["logs", "backup", "impersonate"];

const VERBS_OF = {
  view: ["get", "list", "watch"],
  create: ["create"],
  delete: ["delete"],
  edit: ["get", "list", "watch", "create", "update", "delete"],
  run: ["use"],
  admin: ["get", "list", "watch", "create", "update", "delete", "use", "grant"],
};
export const VERBS = VERBS_OF.admin;
/** A name that no binding of a test has; it stands for all others. */
export const ANY_OTHER = "other";

export type Rights = ReadonlySet<string>;

/** One thing that can be done. Without a name it is about the collection. */
export function atom(verb: string, resource: string, name = ""): string {
  return `${verb} ${resource} ${name}`;
}

export function actionAtom(action: string): string {
  return `run ${action}`;
}

/** Everything that a binding allows. */
export function rightsOf(binding: Binding): Rights {
  if ("action" in binding) return new Set([actionAtom(binding.action)]);
  const { role, name } = binding;
  const resources = binding.resource === "*" ? [...RESOURCES, "*"] : [binding.resource];
  const names = name === undefined ? ["", ANY_OTHER, ...NAMES] : [name];
  const verbs = VERBS_OF[role].filter((verb) => name === undefined || verb !== "create");
  const atoms = resources.flatMap((resource) =>
    names.flatMap((each) => verbs.map((verb) => atom(verb, resource, each))),
  );
  const isAll = role === "admin" && binding.resource === "*" && name === undefined;
  return new Set(isAll ? [...atoms, ...ACTIONS.map(actionAtom)] : atoms);
}

export function unite(sets: readonly Rights[]): Rights {
  return new Set(sets.flatMap((set) => [...set]));
}
