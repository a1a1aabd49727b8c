import { groups } from "@mcpctl/shared/kinds/groups.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";

export const createGroupCommand = defineCommand({
  examples: ["mcpctl create group devs --member alice@test.com --member bob@test.com"],
  positionals: { name: { label: "NAME", required: true, description: "Name of the group." } },
  flags: { member: { type: "strings", placeholder: "USER", description: "User in the group. May be repeated." } },

  run: (context, { name, member }) => createObject(context, { kind: groups, name, spec: { members: member } }),
});
