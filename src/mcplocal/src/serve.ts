#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { ERROR_CODES, failureLines, McpctlError } from "@mcpctl/shared/errors.ts";
import { HEAP_FLAGS } from "@mcpctl/shared/heap-flags.ts";
import { createLogger } from "@mcpctl/shared/log.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import { openAuditLog } from "./audit/audit-log.ts";
import { startCallShipper } from "./audit/call-shipper.ts";
import { type GatewayConfig, helpText, readConfig } from "./config.ts";
import { createCallSender } from "./control-plane/http-call-sender.ts";
import { createHttpControlPlane } from "./control-plane/http-control-plane.ts";
import { openLastKnownGood } from "./projects/last-known-good.ts";
import { createGateway } from "./gateway.ts";
import { createDispatcher } from "./upstreams/dispatcher.ts";

setFlagsFromString(HEAP_FLAGS);
const argv = process.argv.slice(2);
try {
  if (argv.includes("--help") || argv.includes("-h")) process.stdout.write(helpText());
  else if (argv.includes("--version")) process.stdout.write(`${VERSION}\n`);
  else await serve(readConfig({ argv }));
} catch (thrown) {
  if (!(thrown instanceof McpctlError)) throw thrown;
  process.stderr.write(`${failureLines(thrown).join("\n")}\n`);
  process.exitCode = ERROR_CODES[thrown.code].exit;
}

async function serve(config: GatewayConfig): Promise<void> {
  const { listen, mcpdUrl, auth, project, logLevel, auditDir, auditSpoolBytes, cacheDir, ...rest } = config;
  const { credential } = rest;
  const log = createLogger({ program: "mcplocal", level: logLevel, write: (line) => void process.stderr.write(line) });
  const onFailed = (err: unknown) => log.error({ err }, "tool calls cannot be recorded; not ready until they can");
  const maxSpoolBytes = credential === undefined ? undefined : auditSpoolBytes;
  const auditLog =
    auditDir === undefined
      ? undefined
      : await openAuditLog({ directory: auditDir, epochMs: Date.now, onFailed, maxSpoolBytes });
  const dispatcher = createDispatcher();
  const shipper =
    auditDir === undefined || credential === undefined
      ? undefined
      : startCallShipper({
          directory: auditDir,
          maxSpoolBytes: auditSpoolBytes,
          send: createCallSender({ mcpdUrl, credential, dispatcher }),
          log,
        });
  const gateway = createGateway({
    controlPlane: createHttpControlPlane({ mcpdUrl, dispatcher }),
    options: { ...rest, ...listen, openProject: auth === "none" ? project : undefined },
    log,
    auditLog,
    lastKnown: cacheDir === undefined ? undefined : openLastKnownGood({ directory: cacheDir, log }),
  });
  const { url } = await gateway.listen();
  process.stdout.write(`mcplocal listens on ${url}\n`);
  log.info({ url, mcpdUrl, auth }, "serving");
  if (!auditLog) log.warn({}, "tool calls are not recorded; set --audit-dir to record them");
  else if (!shipper) log.warn({}, "recorded tool calls stay here; mcpd gets them from a gateway with --credential");
  await untilStopped();
  log.info({}, "stopping; a second signal ends it at once");
  await gateway.close();
  await shipper?.close();
  await dispatcher.destroy();
}

/** Resolves at the first signal. The second one does not wait for anything. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (): void => {
      if (isStopping) process.exit(130);
      isStopping = true;
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
