/** Checks what linters cannot: a linter that a comment switches off cannot ask that comment for its reason. */
import { readFileSync } from "node:fs";
import { listSourceFiles } from "./source-files.ts";

const RULE_LIST = String.raw`[\w@/-]+(?:\s*,\s*[\w@/-]+)*`;
const REASON = String.raw`\s+--\s+\S.{9,}`;

const rules = [
  {
    name: "disable-needs-a-reason",
    found: /(?:\/\/|\/\*|^\s*\*)\s*(?:ox|es)lint-disable/,
    accepted: new RegExp(String.raw`lint-disable(?:-next)?(?:-line)?\s+${RULE_LIST}${REASON}`),
    insteadOf: "Name the rules, then say why: // oxlint-disable-next-line RULE -- the reason in a few words",
  },
  {
    name: "todo-needs-an-issue",
    found: /(?:\/\/|\/\*|^\s*\*).*\b(?:TODO|FIXME|XXX)\b/,
    accepted: /\b(?:TODO|FIXME|XXX)\(#\d+\)/,
    insteadOf: "Open an issue and write TODO(#123), or do it now.",
  },
];

const problems = listSourceFiles().flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) =>
      rules
        .filter((rule) => rule.found.test(line) && !rule.accepted.test(line))
        .map((rule) => `${file}:${index + 1}: ${rule.name}: ${rule.insteadOf}\n`),
    ),
);

process.stdout.write(problems.join(""));
process.exitCode = problems.length === 0 ? 0 : 1;
