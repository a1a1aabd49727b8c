/** Who can be granted something. */
export const SUBJECT_KINDS = ["User", "Group", "McpToken"] as const;

/** Roles on resources, each with the verbs that it grants. */
export const ROLE_VERBS = {
  view: ["get", "list", "watch"],
  create: ["create"],
  delete: ["delete"],
  edit: ["get", "list", "watch", "create", "update", "delete"],
  run: ["use"],
  admin: ["get", "list", "watch", "create", "update", "delete", "use", "grant"],
} as const;
export const RESOURCE_ROLES = ["view", "create", "delete", "edit", "run", "admin"] as const satisfies readonly Role[];
export type Role = keyof typeof ROLE_VERBS;
export type AccessVerb = (typeof ROLE_VERBS)[Role][number];

/** Operations that are no CRUD on one resource; granted as `{ role: run, action }`. */
export const ACTIONS = [
  "logs",
  "restart",
  "run-command",
  "backup",
  "restore",
  "impersonate",
  "resolve",
  "audit",
  "ship-audit",
] as const;
export type Action = (typeof ACTIONS)[number];

export const ANY_RESOURCE = "*";
