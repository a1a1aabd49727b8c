import { AsyncLocalStorage } from "node:async_hooks";
import type { KyselyPlugin } from "kysely";

interface TransactionGuard {
  /** For the connections outside of transactions. */
  plugin: KyselyPlugin;
  /** Marks everything that the work does as part of its transaction. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Refuses what would wait for itself: work inside a transaction that asks outside of it for a connection. The embedded
 * engine has only one, which the transaction holds until that work is done; PostgreSQL runs out of them under load.
 */
export function createTransactionGuard(): TransactionGuard {
  const current = new AsyncLocalStorage<{ isOpen: boolean }>();

  function assertOutside(): void {
    if (current.getStore()?.isOpen) {
      throw new Error("Inside a transaction, use the repositories that it was given, and no second transaction");
    }
  }

  return {
    plugin: {
      transformQuery({ node }) {
        assertOutside();
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    },
    run(work) {
      assertOutside();
      const scope = { isOpen: true };
      return current.run(scope, () => work().finally(() => (scope.isOpen = false)));
    },
  };
}
