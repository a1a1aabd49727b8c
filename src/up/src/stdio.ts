/** The gateway of `mcpctl mcp`: whoever loads it has no need of the control plane. */
export { runStdio } from "@mcpctl/mcplocal/stdio/run-stdio.ts";
