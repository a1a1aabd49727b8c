/** A file that must be reported, and the rule that must report it. */
export interface Plant {
  rule: string;
  path: string;
  code: string;
}

const SERVICE = "src/mcpd/src/services/";

/** One violation of each rule, in the place where it is most likely to be written. */
const everyRule: Record<string, string> = {
  // One rule stands for the category "correctness", which is switched on as a whole.
  "eslint/no-debugger": "debugger;\nexport {};\n",
  "eslint/eqeqeq": "export const isOne = (value: unknown) => value == 1;\n",
  "eslint/max-lines": "export {};\n".padEnd(400, "\n"),
  "eslint/max-lines-per-function": `export function long() {\n${"  void 0;\n".repeat(61)}}\n`,
  "eslint/max-params": "export const count = (a: 1, b: 1, c: 1, d: 1, e: 1) => a + b + c + d + e;\n",
  "eslint/no-console": 'console.log("planted");\n',
  "eslint/no-param-reassign": "export function next(value: number) {\n  value += 1;\n  return value;\n}\n",
  "eslint/no-restricted-imports": 'import { env } from "node:process";\nexport const home = env["HOME"];\n',
  "eslint/no-restricted-properties": 'export const home = process.env["HOME"];\n',
  "eslint/no-unused-vars": "const unused = 1;\nexport {};\n",
  "eslint/no-var": "export var old = 1;\n",
  "eslint/prefer-const": "let value = 1;\nexport const twice = value * 2;\n",
  "eslint/preserve-caught-error":
    'export function wrap(run: () => void) {\n  try {\n    run();\n  } catch (error) {\n    throw new Error("lost");\n  }\n}\n',
  "import/no-default-export": "export default 1;\n",
  "typescript/await-thenable": "export const one = async () => await 1;\n",
  "typescript/ban-ts-comment": "// @ts-ignore\nexport const one = 1;\n",
  "typescript/consistent-type-imports": 'import { Plant } from "./planted.ts";\nexport type Seed = Plant;\n',
  "typescript/no-explicit-any": "export type Anything = any;\n",
  "typescript/no-floating-promises": "export function start(run: () => Promise<void>) {\n  run();\n}\n",
  "typescript/no-misused-promises": "export const start = (run: () => Promise<boolean>) => (run() ? 1 : 2);\n",
  "typescript/no-non-null-assertion": "export const first = (values: string[]) => values[0]!;\n",
  "typescript/no-unsafe-argument": 'export const value = Number.parseInt(JSON.parse("1"));\n',
  "typescript/no-unsafe-assignment": 'export const value: { name: string } = JSON.parse("{}");\n',
  "typescript/no-unsafe-call": 'export const value = String(JSON.parse("1")());\n',
  "typescript/no-unsafe-member-access": 'export const value = String(JSON.parse("{}").name);\n',
  "typescript/no-unsafe-return": 'export const value = () => JSON.parse("{}");\n',
  "typescript/no-unsafe-type-assertion": "export const toText = (value: unknown) => value as string;\n",
  "typescript/only-throw-error": 'export function fail() {\n  throw "planted";\n}\n',
  "typescript/switch-exhaustiveness-check":
    'export function toNumber(size: "s" | "m") {\n  switch (size) {\n    case "s":\n      return 1;\n  }\n  return 2;\n}\n',
  "unicorn/filename-case": "export {};\n",
  "unicorn/no-array-reverse": "export const turn = (values: string[]) => values.reverse();\n",
  "unicorn/no-array-sort": "export const order = (values: string[]) => values.sort();\n",
};

/** What a rule forbids in one place and allows in another must still bite in the first. */
const exceptions: Plant[] = [
  { rule: "eslint/max-lines", path: "src/mcpd/tests/long.test.ts", code: "export {};\n".padEnd(600, "\n") },
  {
    rule: "eslint/no-restricted-properties",
    path: `${SERVICE}taken-apart.ts`,
    code: 'const { env } = process;\nexport const home = env["HOME"];\n',
  },
  { rule: "eslint/no-restricted-properties", path: `${SERVICE}exit.ts`, code: "process.exit(1);\n" },
  { rule: "eslint/no-restricted-properties", path: "src/mcpd/src/config.ts", code: "process.exit(1);\n" },
  {
    rule: "eslint/no-restricted-properties",
    path: "src/mcpd/src/main.ts",
    code: 'export const home = process.env["HOME"];\n',
  },
  { rule: "eslint/no-restricted-properties", path: "src/mcpd/tests/exit.test.ts", code: "process.exit(1);\n" },
  { rule: "import/no-default-export", path: "tests/e2e/default.test.ts", code: "export default 1;\n" },
];

function toPlant([rule, code]: [string, string]): Plant {
  const name = rule === "unicorn/filename-case" ? "notKebab" : rule.replace("/", "-");
  return { rule, path: `${SERVICE}${name}.ts`, code };
}

export const lintPlants: Plant[] = [...Object.entries(everyRule).map(toPlant), ...exceptions];

const disable = (rest: string) => ["// oxlint", `disable-next-line${rest}\n`].join("-");

/** Files that break a rule outside the linter's own list: what switches a rule off, and what scripts/check-comments.ts asks. */
export const commentPlants: Plant[] = [
  {
    rule: "disable-needs-a-reason",
    path: `${SERVICE}no-reason.ts`,
    code: `${disable(" no-console")}console.log(1);\n`,
  },
  { rule: "disable-needs-a-reason", path: `${SERVICE}no-rule.ts`, code: `${disable("")}console.log(1);\n` },
  { rule: "todo-needs-an-issue", path: `${SERVICE}todo.ts`, code: `${["// TO", "DO: later"].join("")}\nexport {};\n` },
];

export const needlessDisable: Plant = {
  rule: "unused",
  path: `${SERVICE}needless.ts`,
  code: `${disable(" no-console -- nothing here needs it")}export {};\n`,
};
