import type { CommandContext } from "../command-context.ts";
import { formatTestJson, formatTestJunit, formatTestTable } from "../printers/test-report.ts";
import { isPlainRemote } from "../server-url.ts";
import { findConformanceChecks } from "./conformance.ts";
import { parseOptions, type TestInput } from "./options.ts";
import { findFailure, type TestReport } from "./report.ts";
import { testEndpoint } from "./test-endpoint.ts";
import { withToken } from "./test-token.ts";

/**
 * Tests an endpoint and prints the report.
 *
 * @throws {McpctlError} `invalid` for flags that cannot be meant; `unreachable`, `unauthenticated`, `forbidden`,
 * `protocol-violation`, `tool-error` or `conformance-unavailable` when the test has failed, after the report.
 */
export async function runMcpTest(context: CommandContext, input: TestInput): Promise<void> {
  const { settings, expectations } = parseOptions(input);
  const { io, signal, config } = context;
  const report = await withToken(context, input, (token) => {
    if (token !== undefined && isPlainRemote(settings.url.href)) {
      io.err(`Warning: ${settings.url.origin} is not encrypted; whoever is on the way can read the token`);
    }
    const findMoreChecks = input.conformance
      ? findConformanceChecks({ environment: config.childEnvironment, signal })
      : undefined;
    return testEndpoint({
      settings: { ...settings, token },
      expectations,
      findMoreChecks,
      isStrict: input.strict,
      signal,
    });
  });
  for (const line of linesOf(report, input.output)) io.out(line);
  const failure = findFailure(report);
  if (failure) throw failure;
}

function linesOf(report: TestReport, output: TestInput["output"]): string[] {
  switch (output) {
    case "json":
      return [formatTestJson(report)];
    case "junit":
      return formatTestJunit(report);
    case "table":
      return formatTestTable(report);
  }
}
