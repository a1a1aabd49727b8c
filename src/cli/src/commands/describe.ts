import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import { hasCode } from "@mcpctl/shared/errors.ts";
import { type Event, events } from "@mcpctl/shared/kinds/events.ts";
import type { Kind, Resource } from "@mcpctl/shared/kinds/kind.ts";
import { projectFlag, requireProject } from "../args.ts";
import { defineCommand } from "../command.ts";
import { formatDescription } from "../printers/describe.ts";
import { parseNamedResources } from "../resource-args.ts";

export const describeCommand = defineCommand({
  examples: [
    "mcpctl describe server files",
    "mcpctl describe server/files project/demo",
    "mcpctl describe mcptoken agent -p demo",
  ],
  positionals: {
    kind: { label: "KIND[/NAME]", required: true, description: "Kind, or kind and name." },
    names: { label: "NAME...", variadic: true, description: "Names of the objects." },
  },
  flags: { project: projectFlag },

  async run({ io, api, now, config }, { kind: word, names, project = config.project }) {
    const selections = parseNamedResources([word, ...names]);
    const client = await api();
    for (const [at, { kind, name }] of selections.entries()) {
      const owner = kind.scope === "project" ? requireProject(project, kind.singular) : undefined;
      const resource = await client.get(kind, { name, project: owner });
      const description = { kind, resource, events: await listEvents(client, kind, resource), now: now() };
      if (at > 0) io.out("");
      for (const line of formatDescription(description)) io.out(line);
    }
  },
});

/** @returns undefined when the caller may not see events; that hides nothing else of the object. */
async function listEvents(client: ApiClient, kind: Kind, resource: Resource): Promise<Event[] | undefined> {
  try {
    const { items } = await client.list(events);
    return items.filter(
      ({ spec: { regarding } }) => regarding.kind === kind.kind && regarding.name === resource.metadata.name,
    );
  } catch (thrown) {
    if (hasCode(thrown, "forbidden")) return undefined;
    throw thrown;
  }
}
