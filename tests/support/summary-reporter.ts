import type { Reporter, TestModule } from "vitest/node";

interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Prints `N passed, N failed` (and `, N skipped` when there are any) as the last line of a run.
 * It waits for the end of the process, so that what breaks after the last test is counted, and nothing prints behind it.
 */
export function createSummaryReporter(): Reporter {
  let summary: Summary = { passed: 0, failed: 0, skipped: 0 };

  return {
    onInit() {
      process.once("exit", (code) => {
        const { passed, skipped } = summary;
        const isEmpty = passed + summary.failed === 0;
        if (isEmpty) process.stdout.write("No test was run\n");
        if (isEmpty && code === 0) process.exitCode = 1;
        // A run can fail outside its tests: in the global setup, in a reporter, while closing.
        const failed = summary.failed === 0 && (isEmpty || code !== 0) ? 1 : summary.failed;
        process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
      });
    },
    onTestRunEnd(modules, unhandledErrors) {
      const counted = modules.map(summarize);
      summary = {
        passed: sum(counted.map((each) => each.passed)),
        failed: sum(counted.map((each) => each.failed)) + unhandledErrors.length,
        skipped: sum(counted.map((each) => each.skipped)),
      };
    },
  };
}

/** A suite that broke counts as one failure; so does a test that never came to a result, and a file that never ran. */
function summarize(module: TestModule): Summary {
  const tests = [...module.children.allTests()].map((test) => test.result().state);
  const count = (state: (typeof tests)[number]) => tests.filter((each) => each === state).length;
  const brokenSuites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
  const isBroken = module.errors().length > 0 || (tests.length === 0 && module.state() !== "passed");
  return {
    passed: count("passed"),
    failed: count("failed") + count("pending") + brokenSuites + (isBroken ? 1 : 0),
    skipped: count("skipped"),
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
