/** What the built programs promise. Each end-to-end test names the one it verifies; a gate fails if one has none. */
export const REQUIREMENTS = {
  "up:json": "up prints one JSON object with api, gateway, project, token and session once everything answers",
  "up:text": "what up prints can be followed: its curl and its client configuration work when pasted",
  "up:again": "a second start finds its data, mints a fresh token and session, and the last ones stop working",
  "up:ctrl-c": "Ctrl-C ends up with exit code 0 and leaves no process behind",
  "up:kill": "kill -9 of up leaves no process behind",
  "up:port-in-use": "a port in use is a coded error with a hint",
  "up:data-dir-locked": "a data directory in use is a coded error with a hint",
  "gateway:both-eras": "a token lists and calls the tools of both demo servers in both eras",
  "gateway:401": "no token, a wrong one and a revoked one get 401 and nothing else",
  "gateway:404": "another project's endpoint does not exist for a token",
  "gateway:separate": "gateway and control plane work as two processes, with a link between them",
  "gateway:mcpd-restart": "after a kill -9 of mcpd and a new start the gateway's next calls are answered",
  "gateway:replicas":
    "two gateways behind a proxy that takes turns serve one client in either era, and list byte for byte the same",
  "gateway:session-survives":
    "after a kill -9 of the gateway and a new start a client goes on with its session, and no call is made twice",
  "gateway:kill": "kill -9 of mcpd leaves no server process behind",
  "stdio:both-eras":
    "mcpctl mcp and mcplocal serve a client that has started them, in both eras, with the login of a person",
  "stdio:handshakes": "a client on STDIO may find out about the era in every way that Claude Code is known to",
  "stdio:pure": "stdout carries the protocol alone, whatever comes in",
  "stdio:same-list": "the tools are byte for byte the same over STDIO, over HTTP and by two replicas",
  "stdio:restart":
    "a program on STDIO lives through a kill -9 of mcpd, and its next calls after a new start are answered",
  "stdio:offline":
    "a program on STDIO that starts without mcpd lists what was last known, says so, and calls when it is back",
  "stdio:end": "the end of the input, SIGTERM and the death of the parent end it within 2 s, and leave no process",
  "stdio:audit": "tool calls over STDIO are in the audit trail as those of the person, also after a crash",
  "stdio:rights":
    "a person who may run one project uses that on STDIO and no other, and keeps the record where they may not ship it",
  "stdio:login": "a program on STDIO says that a login is missing, and uses one that is made later",
  "audit:exactly-once":
    "every recorded call is in the trail once and in order, whatever is killed, and the trail is whole",
  "cli:apply-to-call": "apply of a server and a project, create mcptoken and a tool call through the new endpoint",
  "cli:apply-again": "a second apply says unchanged",
  "cli:yaml-error": "malformed YAML is refused with line and column, and nothing of the file is applied",
  "cli:unknown-field": "an unknown kind or field is refused with a suggestion",
  "cli:failing-server": "a server that does not start shows the end of its stderr",
  "cli:login": "login with a password, whoami, logout",
  "cli:login-browser":
    "login at an OpenID provider with a browser that goes through its pages, whoami, logout everywhere",
  "cli:login-device": "login at an OpenID provider on another device",
  "cli:token-rights": "a token with bindings may do just that, auth can-i and why say so, revoking it ends both",
  "test:own-gateway": "mcpctl test mcp finds nothing at our own gateway, in either era",
  "test:minted-token": "mcpctl test mcp -p mints a token for the test and leaves none behind",
  "cli:delete": "deleting a project deletes its tokens, and they stop working",
  "agent:conversation":
    "the agent of the examples lists, calls several tools at once, feeds back and prints the answer",
  "agent:tool-errors": "a failing tool, an unknown one and arguments that are no JSON are told to the model",
  "agent:content": "structured content and images of a tool reach the model as text",
  "agent:steps": "an agent whose model never answers ends after its steps",
  "agent:refused": "a refused token ends the agent with a message that says so, before the model is asked",
  "agent:down": "a model or a gateway that is down ends the agent with a message that names it",
} as const;
export type Requirement = keyof typeof REQUIREMENTS;
