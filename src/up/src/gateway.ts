import { createHttpControlPlane } from "@mcpctl/mcplocal/control-plane/http-control-plane.ts";
import { openAuditLog } from "@mcpctl/mcplocal/audit/audit-log.ts";
import { startCallShipper } from "@mcpctl/mcplocal/audit/call-shipper.ts";
import { openLastKnownGood } from "@mcpctl/mcplocal/projects/last-known-good.ts";
import { createGateway } from "@mcpctl/mcplocal/gateway.ts";
import { createDispatcher } from "@mcpctl/mcplocal/upstreams/dispatcher.ts";
import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import { shipRequest } from "@mcpctl/shared/api/audit.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { createLogger } from "@mcpctl/shared/log.ts";
import type { ListenAddress } from "@mcpctl/shared/settings.ts";
import { DEMO_PROJECT } from "./demo.ts";
import { createInProcessControlPlane } from "./in-process-control-plane.ts";

/** Records of tool calls that wait for the audit trail. */
const MAX_SPOOL_BYTES = 512_000_000;

export interface UpGateway extends AsyncDisposable {
  /** Full MCP URL of the demo project. */
  mcpUrl: string;
}

interface UpGatewayOptions {
  listen: ListenAddress;
  /** Where tool calls are recorded. */
  auditDir: string;
  /** Where it is kept what was last known of projects. */
  cacheDir: string;
}

/**
 * Starts the gateway beside a control plane in this process.
 *
 * @throws {McpctlError} `port-in-use`
 */
export async function startGateway(mcpd: Mcpd, { listen, auditDir, cacheDir }: UpGatewayOptions): Promise<UpGateway> {
  const dispatcher = createDispatcher();
  const remote = createHttpControlPlane({ mcpdUrl: mcpd.url, dispatcher });
  const controlPlane = createInProcessControlPlane(mcpd, remote);
  const log = createLogger({ program: "mcplocal", level: "warn", write: (line) => process.stderr.write(line) });
  const auditLog = await openAuditLog({
    directory: auditDir,
    epochMs: Date.now,
    maxSpoolBytes: MAX_SPOOL_BYTES,
    onFailed: (err) => log.error({ err }, "tool calls cannot be recorded"),
  });
  const shipper = startCallShipper({
    directory: auditDir,
    maxSpoolBytes: MAX_SPOOL_BYTES,
    send: (body) => mcpd.inProcess.storeCalls(shipRequest.parse(parseBoundedJson(body.toString())).events),
    log,
  });
  const gateway = createGateway({
    controlPlane,
    options: listen,
    log,
    auditLog,
    lastKnown: openLastKnownGood({ directory: cacheDir, log }),
  });
  const { url } = await gateway.listen();
  return {
    mcpUrl: `${url}/projects/${DEMO_PROJECT}/mcp`,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await shipper.close();
      await dispatcher.close();
    },
  };
}
