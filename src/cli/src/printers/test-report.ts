import type { CheckResult, TestReport } from "../mcp-test/report.ts";
import { toJson } from "./objects.ts";
import { formatTable } from "./table.ts";
import { oneLine } from "./text.ts";

const WORDS = { ok: "ok", warn: "WARN", fail: "FAIL", skip: "skip" } as const;

/** One line for each check, and what they come to. @returns lines that are safe to print. */
export function formatTestTable(report: TestReport): string[] {
  const { url, revisions, server, summary, checks } = report;
  const who = server ? `, ${[server.name, server.version].filter(Boolean).join(" ")}` : "";
  const spoken = revisions.length > 0 ? ` speaks ${revisions.join(" and ")}${who}` : "";
  const table = formatTable({
    headers: ["Result", "Check", "Rule, and what was seen"],
    rows: checks.map((check) => [WORDS[check.status], check.id, detailOf(check)]),
    hasHeaders: true,
  });
  const counts = [
    `${summary.ok} ok`,
    `${summary.warn} warned`,
    `${summary.fail} failed`,
    `${summary.skip} skipped`,
  ].join(", ");
  return [oneLine(`${url}${spoken}`), "", ...table, "", `${checks.length} checks: ${counts}`];
}

function detailOf({ status, title, seen, reference }: CheckResult): string {
  // A line break of the server would end the line of the table, and hide what comes after it.
  const said = seen === undefined ? title : oneLine(`${title}: ${seen}`);
  return status === "warn" || status === "fail" ? `${said} [${reference}]` : said;
}

export function formatTestJson(report: TestReport): string {
  return toJson(report);
}

/** JUnit XML as CI systems read it; a warning passes and says so in the output of its test. */
export function formatTestJunit({ url, summary, checks }: TestReport): string[] {
  const seconds = checks.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
  const counts = `tests="${checks.length}" failures="${summary.fail}" errors="0" skipped="${summary.skip}"`;
  const suite = `name="${escapeXml(`mcpctl test mcp ${url}`)}" ${counts} time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${suite}>`,
    `  <testsuite ${suite}>`,
    ...checks.flatMap(caseLines),
    "  </testsuite>",
    "</testsuites>",
  ];
}

function caseLines(check: CheckResult): string[] {
  const { id, scope, title, durationMs } = check;
  const open =
    `    <testcase classname="${escapeXml(scope)}" name="${escapeXml(`${id}: ${title}`)}" ` +
    `time="${(durationMs / 1_000).toFixed(3)}"`;
  const inner = innerLine(check);
  return inner === undefined ? [`${open}/>`] : [`${open}>`, `      ${inner}`, "    </testcase>"];
}

function innerLine({ status, seen = "", reference, code }: CheckResult): string | undefined {
  const text = escapeXml(seen);
  if (status === "fail") {
    return `<failure type="${code ?? "failed"}" message="${text}">${text} [${escapeXml(reference)}]</failure>`;
  }
  if (status === "skip") return `<skipped message="${text}"/>`;
  return status === "warn" ? `<system-out>warning: ${text} [${escapeXml(reference)}]</system-out>` : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Also takes out what no XML document may have. */
function escapeXml(text: string): string {
  const clean = oneLine(text)
    .toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, " ");
  return clean.replaceAll(/[&<>"]/g, (char) => ENTITIES[char] ?? "");
}
