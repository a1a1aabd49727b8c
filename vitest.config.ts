import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "./tests/support/summary-reporter.ts";

export default defineConfig({
  test: {
    include: ["src/*/tests/**/*.test.ts", "tests/{conformance,contract,e2e,reliability,tooling}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/*.slow.test.ts"],
    globalSetup: ["tests/support/global-setup.ts"],
    reporters: ["default", createSummaryReporter()],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
