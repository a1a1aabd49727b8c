import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "./tests/support/summary-reporter.ts";

export default defineConfig({
  test: {
    include: ["**/*.slow.test.ts"],
    exclude: ["**/node_modules/**", "dist/**"],
    globalSetup: ["tests/support/global-setup.ts"],
    reporters: ["verbose", createSummaryReporter()],
    pool: "forks",
    // What is slow starts databases, servers and real clients; two at once would measure each other.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
