import { createHttpControlPlane } from "@mcpctl/mcplocal/control-plane/http-control-plane.ts";
import { openAuditLog } from "@mcpctl/mcplocal/audit/audit-log.ts";
import { createGateway } from "@mcpctl/mcplocal/gateway.ts";
import { createDispatcher } from "@mcpctl/mcplocal/upstreams/dispatcher.ts";
import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import { createLogger } from "@mcpctl/shared/log.ts";
import type { ListenAddress } from "@mcpctl/shared/settings.ts";
import { DEMO_PROJECT } from "./demo.ts";
import { createInProcessControlPlane } from "./in-process-control-plane.ts";

export interface UpGateway extends AsyncDisposable {
  /** Full MCP URL of the demo project. */
  mcpUrl: string;
}

interface UpGatewayOptions {
  listen: ListenAddress;
  /** Where tool calls are recorded. */
  auditDir: string;
}

/**
 * Starts the gateway beside a control plane in this process.
 *
 * @throws {McpctlError} `port-in-use`
 */
export async function startGateway(mcpd: Mcpd, { listen, auditDir }: UpGatewayOptions): Promise<UpGateway> {
  const dispatcher = createDispatcher();
  const remote = createHttpControlPlane({ mcpdUrl: mcpd.url, dispatcher });
  const controlPlane = createInProcessControlPlane(mcpd, remote);
  const log = createLogger({ program: "mcplocal", level: "warn", write: (line) => process.stderr.write(line) });
  const auditLog = await openAuditLog({
    directory: auditDir,
    epochMs: Date.now,
    onFailed: (err) => log.error({ err }, "tool calls cannot be recorded"),
  });
  const gateway = createGateway({ controlPlane, options: listen, log, auditLog });
  const { url } = await gateway.listen();
  return {
    mcpUrl: `${url}/projects/${DEMO_PROJECT}/mcp`,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await dispatcher.close();
    },
  };
}
