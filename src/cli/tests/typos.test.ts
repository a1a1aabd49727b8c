import { describe, expect, it } from "vitest";
import { runMcpctl } from "./fakes/run-mcpctl.ts";

/** Nothing listens there: whatever is refused is refused before anything is sent. */
const server = "http://127.0.0.1:9";
const manifest = (text: string) => ({ stdin: text });

describe("a slip is answered with what was meant", () => {
  it.each<[line: string, hint: string, options?: { stdin: string }]>([
    ["gte servers", 'Did you mean "get"?'],
    ["aply -f x.yaml", 'Did you mean "apply"?'],
    ["get servrs", 'Did you mean "Server"?'],
    ["get projcts", 'Did you mean "Project"?'],
    ["get servers --outptu json", 'Did you mean "--output"?'],
    ["get servers -o jsno", 'Did you mean "json"?'],
    ["create sever files --command node", 'Did you mean "server"?'],
    ["create server files --comand node", 'Did you mean "--command"?'],
    ["create project demo --naming prefxi", 'Did you mean "prefix"?'],
    ["create rbac a --subject Usr:alice --roleBindings action:logs", 'Did you mean "User"?'],
    ["create rbac a --subject User:alice --roleBindings role:edt,resource:servers", "Did you mean role:edit?"],
    ["create rbac a --subject User:alice --roleBindings role:edit,resource:severs", "Did you mean resource:servers?"],
    ["create rbac a --subject User:alice --roleBindings acton:logs", 'Did you mean "action"?'],
    ["create rbac a --subject User:alice --roleBindings action:log", "Did you mean action:logs?"],
    ["create rbac a --rolebindings action:logs", 'Did you mean "--roleBindings"?'],
    [
      "create rbac a --binding view:servers:my-ha --operation logs",
      "Write --roleBindings role:view,resource:servers,name:my-ha --roleBindings action:logs",
    ],
    ["auth whoiam", 'Did you mean "whoami"?'],
    ["revoke mcptokn agent", 'Did you mean "mcptoken"?'],
    ["apply -f - --dry-run=servr", 'Did you mean "server"?'],
    [
      "apply -f -",
      'Did you mean "command"?',
      manifest("kind: Server\nmetadata: { name: a }\nspec: { comand: node }\n"),
    ],
    ["apply -f -", 'Did you mean "Project"?', manifest("kind: Projct\nmetadata: { name: a }\nspec: {}\n")],
    ["apply -f -", 'Did you mean "metadata"?', manifest("kind: Group\nmetdata: { name: a }\nspec: {}\n")],
    ["get servers --server localhost:7400", "Did you mean http://localhost:7400?"],
    [
      "create project demo --server http://127.0.0.1:7400",
      "Put the address first: mcpctl --server http://127.0.0.1:7400 create project demo",
    ],
    ["-o json get servers", "Flags of a command come after its name"],
  ])("mcpctl %s", async (line, hint, options = { stdin: "" }) => {
    const { code, out, err } = await runMcpctl(line, { server, ...options });
    expect({ code, out, hint: err.join("\n") }).toEqual({ code: 2, out: [], hint: expect.stringContaining(hint) });
  });

  it.each([
    ["get", /mcpctl get needs KIND/],
    ["get servers --selector", /--selector needs a value/],
    ["get servers -l team", /--selector "team" is not understood/],
    ["get server files -l a=b", /--selector chooses among all objects/],
    ["get servers a/b c", /"servers" is not of the form KIND\/NAME/],
    ["describe server", /No name of a server is given/],
    ["delete", /delete needs either KIND NAME or -f FILE/],
    ["delete server a -f b.yaml", /delete needs either KIND NAME or -f FILE/],
    ["apply", /-f FILE is missing/],
    ["create", /-f FILE is missing/],
    ["create server a", /exactly one of --command, --npm and --url/],
    ["create server a --npm x", /--npm and --version go together/],
    ["create server a --command node --env NAME", /--env needs NAME=VALUE/],
    ["create server a --command node --replicas two", /--replicas needs a whole number, at least 0/],
    ["create rbac a --roleBindings action:logs", /--subject is missing/],
    ["create rbac a --subject User:b", /--roleBindings is missing/],
    ["create mcptoken a", /No project is given; mcptoken needs one/],
    ["create mcptoken a -p demo --ttl 30x", /TTL "30x" is neither a duration, a time nor never/],
    ["up extra", /mcpctl up takes fewer arguments/],
    ["login --user a --token-stdin", /--user does not go with --token-stdin/],
  ])("mcpctl %s is refused", async (line, message) => {
    const { code, err } = await runMcpctl(line, { server });
    expect(err[0]).toMatch(message);
    expect(err.at(-1)).toMatch(/^Hint: ./);
    expect(code).toBe(2);
  });
});
